/**
 * Command lines of chains as the argument parser expects them. Users of xdp-loader write `xdp-loader l -P10 -A pass eth0
 * f.o`: commands by a prefix, values attached to short options, several short options in one word, and long options under
 * names of its own. All of that is GNU's getopt, which the parser is not.
 */

/** Short options of xdp-loader whose value may follow without a space. */
const WITH_VALUE = 'mpsnPAi';

/** Long options of xdp-loader that have another name here. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['--actions', '--on'],
  ['--prog-name', '--prog'],
]);

/** The words after `xdp` or `tc`, with whole commands, and a word for each option and value. */
export function chainWords(words: readonly string[], commands: readonly string[]): string[] {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  if (first === 'help') return [...rest.slice(0, 1).map(one => wholeCommand(one, commands)), '--help'];
  const end = rest.indexOf('--');
  const [options, others] = end < 0 ? [rest, []] : [rest.slice(0, end), rest.slice(end)];
  return [wholeCommand(first, commands), ...once('-v', options.flatMap(separate)), ...others];
}

/** The only command that begins like this, or the word itself. */
function wholeCommand(word: string, commands: readonly string[]): string {
  const [found, other] = commands.includes(word) ? [word] : commands.filter(one => one.startsWith(word));
  return found === undefined || other !== undefined ? word : found;
}

function separate(word: string): string[] {
  const [name = '', ...values] = word.split('=');
  const known = SYNONYMS.get(name);
  if (known !== undefined) return [[known, ...values].join('=')];
  return /^-[A-Za-z]./.test(word) ? letters(word) : [word];
}

/** `-vP10` is `-v -P 10`. */
function letters(word: string): string[] {
  const words: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    words.push(`-${letter}`);
    if (!WITH_VALUE.includes(letter)) continue;
    if (at + 1 < word.length) words.push(word.slice(at + 1));
    break;
  }
  return words;
}

/** `-vv` asks for more than `-v`; here there is no more. */
function once(option: string, words: readonly string[]): string[] {
  return words.filter((word, at) => word !== option || words.indexOf(option) === at);
}
