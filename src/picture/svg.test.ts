/** SVG documents: what Graphviz draws of hostile names has no other elements, and colours can be read in light and dark. */

import { instance } from '@viz-js/viz';
import { describe, expect, test } from 'vitest';
import { dotOf } from './dot.ts';
import { EDGE_STYLES, FADED, FRAME, INK, MARK, NODE_STYLES, PAPER } from './style.ts';
import { svgOf } from './svg.ts';
import { HOSTILE, hostilePicture } from './testing.ts';

const graphviz = await instance();

function drawn(name: string): string {
  const picture = hostilePicture(name);
  return svgOf(picture, graphviz.renderString(dotOf(picture), { format: 'svg', engine: 'dot' }));
}

/** Names of elements and attributes. */
function tagsOf(svg: string): string[] {
  const tags = [...svg.matchAll(/<([a-z]+)((?:\s+[\w:-]+="[^"<>]*")*)\s*\/?>/g)];
  return tags.flatMap(([, tag = '', attributes = '']) => [
    tag,
    ...[...attributes.matchAll(/\s([\w:-]+)=/g)].map(([, name = '']) => `@${name}`),
  ]);
}

const KNOWN = new Set([
  ...['svg', 'style', 'g', 'title', 'polygon', 'path', 'text', 'polyline', 'ellipse'],
  ...['@width', '@height', '@viewBox', '@xmlns', '@role', '@style', '@id', '@class', '@transform', '@fill'],
  ...['@stroke', '@points', '@d', '@x', '@y', '@font-family', '@font-size', '@font-weight', '@text-anchor'],
  ...['@xml:space', '@stroke-width', '@stroke-dasharray', '@cx', '@cy', '@rx', '@ry'],
]);

describe('SVG', () => {
  test.for(HOSTILE)('of %j has known elements and attributes alone', name => {
    const svg = drawn(name);
    expect(tagsOf(svg).filter(tag => !KNOWN.has(tag))).toEqual([]);
    // every `<` begins one of these elements or ends it
    const begins = svg.match(/</g) ?? [];
    const ends = svg.match(/<\/(svg|style|g|title|text)>/g) ?? [];
    expect(begins.length).toBe(tagsOf(svg).filter(tag => !tag.startsWith('@')).length + ends.length);
    expect(svg).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffe\uffff]/u);
    expect(svg).not.toMatch(/&(?!(amp|lt|gt|quot|#\d+);)/);
  });

  test('shows names where a pointer is, fonts that systems have, and colours for dark surroundings', () => {
    const svg = drawn('a<b');
    expect(svg).toMatch(/^<svg role="img" /);
    expect(svg).toContain('<title>a&lt;b → a&lt;b</title>');
    expect(svg).not.toMatch(/<title>(n\d|cluster_|rootlet)/);
    expect(svg).toMatch(/font-family="Helvetica, Arial, /);
    expect(svg).toContain('@media (prefers-color-scheme:dark){');
    expect(svg).toContain(`[fill="${PAPER.light}"]{fill:${PAPER.dark}}`);
  });
});

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** As the guidelines for web content define it. */
function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((left, right) => right - left);
  return (high + 0.05) / (low + 0.05);
}

describe.for(['light', 'dark'] as const)('colours, %s', scheme => {
  const fills = [PAPER, FRAME.fill, ...Object.values(NODE_STYLES).map(({ fill }) => fill)];

  test('texts have a contrast of 4.5', () => {
    for (const fill of fills)
      for (const ink of [INK, FADED]) expect(contrast(ink[scheme], fill[scheme])).toBeGreaterThan(4.5);
    expect(contrast(MARK[scheme], PAPER[scheme])).toBeGreaterThan(3);
  });

  test('lines have one of 2.5 on the paper', () => {
    const lines = [...Object.values(NODE_STYLES), ...Object.values(EDGE_STYLES)].map(({ line }) => line);
    for (const line of lines) expect(contrast(line[scheme], PAPER[scheme])).toBeGreaterThan(2.5);
  });

  test('no light colour stands for two dark ones', () => {
    const all = [PAPER, INK, FADED, MARK, ...fills, ...Object.values(NODE_STYLES).map(({ line }) => line)];
    const dark = new Map(all.map(colour => [colour.light, colour.dark]));
    for (const { light, dark: own } of all) expect(dark.get(light)).toBe(own);
  });
});
