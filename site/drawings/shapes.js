/**
 * Boxes, arrows and words of drawings, as SVG in the page itself: its style sheet gives them the colours of the page, light or
 * dark.
 */

/** @param {string} text */
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** @typedef {'plain' | 'frame' | 'rootlet' | 'first' | 'second' | 'kernel' | 'old' | 'slot'} Kind */

/**
 * A box with a title and lines below it; the title of a frame is at its top.
 *
 * @param {number} x @param {number} y @param {number} width @param {number} height
 * @param {Kind} kind @param {string} title @param {...string} lines
 */
export function box(x, y, width, height, kind, title, ...lines) {
  const isFrame = kind === 'frame' || kind === 'kernel';
  const middle = x + width / 2;
  const top = isFrame ? y + 20 : y + height / 2 - lines.length * 8 + 5;
  const texts = [
    word(
      isFrame ? x + 12 : middle,
      top,
      title,
      isFrame ? 'd-frame-title' : 'd-title',
      isFrame ? 'start' : 'middle',
    ),
    ...lines.map((line, at) =>
      word(isFrame ? x + 12 : middle, top + 17 * (at + 1), line, 'd-line', isFrame ? 'start' : 'middle'),
    ),
  ];
  return `<rect class="d-box d-${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>${texts.join('')}`;
}

/**
 * @param {number} x @param {number} y @param {string} text @param {string} [style] @param {'start' | 'middle' | 'end'} [anchor]
 */
export function word(x, y, text, style = 'd-line', anchor = 'middle') {
  return `<text class="${style}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

/**
 * A straight arrow. `kind`: `call`, `bind` (dashed), `gone` (faint, dashed).
 *
 * @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {'call' | 'bind' | 'gone'} [kind]
 */
export function arrow(x1, y1, x2, y2, kind = 'call') {
  return `<path class="d-arrow d-${kind}" d="M${x1} ${y1} L${x2} ${y2}"/>${head(x1, y1, x2, y2, kind)}`;
}

/**
 * An arrow that leaves and arrives horizontally.
 *
 * @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {'call' | 'bind' | 'gone'} [kind]
 */
export function curve(x1, y1, x2, y2, kind = 'call') {
  const bend = (x2 - x1) / 2;
  const d = `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return `<path class="d-arrow d-${kind}" d="${d}"/>${head(x1, y2, x2, y2, kind)}`;
}

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} kind */
function head(x1, y1, x2, y2, kind) {
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  return `<path class="d-head d-${kind}" d="M0 0 L-9 -4.5 L-9 4.5 z" transform="translate(${x2} ${y2}) rotate(${angle.toFixed(1)})"/>`;
}

/** @param {number} width @param {number} height @param {string} title @param {readonly string[]} shapes */
export function drawing(width, height, title, shapes) {
  const head = `viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}"`;
  return `<div class="drawing"><svg xmlns="http://www.w3.org/2000/svg" ${head}>${shapes.join('')}</svg></div>`;
}
