/** `--graph` of the commands that work without a kernel: forms by the name of the file, what is refused, what is reported. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../main.ts';

const OBJECTS = path.join(import.meta.dirname, '../../examples/obj/el');
const FIREWALL = path.join(OBJECTS, 'second_firewall.bpf.o');
const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-graph-'));
const at = (name: string): string => path.join(directory, name);
afterAll(() => rmSync(directory, { recursive: true }));

async function rootlet(...words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const sink = (name: 'out' | 'err') => ({
    write(text: string) {
      texts[name] += text;
    },
  });
  await main(words, { stdout: sink('out'), stderr: sink('err') });
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  return { code, ...texts };
}

describe('inspect', () => {
  test('writes DOT and SVG by the name of the file, and DOT to stdout', async () => {
    const printed = await rootlet('inspect', FIREWALL, '--graph', '-');
    expect(printed).toMatchObject({ code: 0, err: '' });
    expect(printed.out).toMatch(/^digraph rootlet \{\n[\s\S]*<b>xdp_prog2<\/b>[\s\S]*\n\}\n$/);
    expect(await rootlet('inspect', FIREWALL, '--graph', at('a.dot'))).toEqual({ code: 0, out: '', err: '' });
    expect(readFileSync(at('a.dot'), 'utf8')).toBe(printed.out);
    expect(await rootlet('inspect', FIREWALL, '--graph', at('a.svg'))).toEqual({ code: 0, out: '', err: '' });
    expect(readFileSync(at('a.svg'), 'utf8')).toMatch(/^<svg [\s\S]*>xdp_prog2<\/text>[\s\S]*<\/svg>\n$/);
  });

  test('draws one function, also with its instructions, and says so as JSON', async () => {
    const { out } = await rootlet('inspect', FIREWALL, '--graph', '-', '--function', 'foo');
    expect(out).toContain('rule = bpf_map_lookup_elem(&amp;rules, &amp;port);');
    expect(out).not.toContain('call bpf_map_lookup_elem#1');
    const code = await rootlet('inspect', FIREWALL, '--graph', '-', '--function', 'foo', '--disasm');
    expect(code.out).toContain('call bpf_map_lookup_elem#1');
    const json = await rootlet('inspect', FIREWALL, '--graph', at('b.dot'), '--json');
    expect(JSON.parse(json.out)).toEqual({ schemaVersion: 1, ok: true, graph: at('b.dot'), problems: [] });
  });

  test.for([
    [['--graph', 'a.png'], 'usage-picture', '--graph "a.png": the name of a picture ends in .svg or .dot'],
    [['--graph', ''], 'usage-picture', '"--graph -" prints DOT'],
    [['--function', 'foo'], 'usage-picture', '--function needs --graph FILE'],
    [['--graph', '-', '--btf'], 'usage-picture', 'give one of them'],
    [['--graph', '-', '--json'], 'usage-same-output', 'two outputs go to stdout'],
    [['--graph', '-', '--function', 'fooo'], 'object-no-function', 'did you mean "foo"?'],
    [['--graph', '-', '--limits', 'picture=2'], 'picture-limit', '--limits picture=8'],
  ] as const)('%j: %s', async ([words, code, text]) => {
    const outcome = await rootlet('inspect', FIREWALL, ...words);
    expect(outcome.code).toBeGreaterThan(0);
    expect(outcome.out + outcome.err).toContain(text);
    const json = await rootlet('inspect', FIREWALL, ...words, '--json');
    if (!words.some(word => word === '--json'))
      expect(json.out === '' ? json.err : json.out).toMatch(new RegExp(`${code}|two outputs`));
  });

  test('does not overwrite the object', async () => {
    writeFileSync(at('object.dot'), readFileSync(FIREWALL));
    expect(await rootlet('inspect', at('object.dot'), '--graph', at('object.dot'))).toMatchObject({
      code: 2,
    });
    expect(readFileSync(at('object.dot'))).toEqual(readFileSync(FIREWALL));
  });

  test('says what it leaves out of a picture, in the picture and on stderr', async () => {
    const { err, out } = await rootlet('inspect', FIREWALL, '--graph', '-', '--limits', 'picture=7');
    expect(err).toMatch(/^rootlet: note: --graph: without variables and externs: .*--limits picture=/);
    expect(out).toContain('without variables and externs');
  });
});

describe('link and relink', () => {
  const [first, second] = ['first', 'second'].map(name => path.join(OBJECTS, `${name}.bpf.o`));

  test('draw which file gave what', async () => {
    const words = [first ?? '', second ?? '', '-o', at('all.o'), '--graph', at('link.dot')];
    expect(await rootlet('link', ...words)).toMatchObject({ code: 0 });
    const dot = readFileSync(at('link.dot'), 'utf8');
    for (const part of ['first.bpf.o</b>', 'second.bpf.o</b>', '<b>counters</b>', '3 externs bound'])
      expect(dot).toContain(part);
    expect(dot.match(/class="bind"/g)).toHaveLength(3);
    expect(existsSync(at('all.o'))).toBe(true);
  });

  test('list in the map what was bound', async () => {
    await rootlet('link', first ?? '', second ?? '', '-o', at('all.o'), '--Map', at('map.txt'));
    expect(readFileSync(at('map.txt'), 'utf8')).toMatch(
      /\nbound:\n +foo +\S*second.bpf.o +-> +\S*first.bpf.o/,
    );
  });

  test('draw what is in slots', async () => {
    const rootletFile = path.join(OBJECTS, 'rootlet.bpf.o');
    const words = [rootletFile, `dummy1=${FIREWALL}`, '-q', '-o', at('out.o'), '--graph', at('out.svg')];
    expect(await rootlet('relink', ...words)).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(at('out.svg'), 'utf8')).toContain('<title>dummy1 → xdp_prog2</title>');
  });

  test('refuse a picture over the output or an input, and a name of another kind', async () => {
    const link = (graph: string) =>
      rootlet('link', first ?? '', second ?? '', '-o', at('x.dot'), '--graph', graph);
    expect((await link(at('x.dot'))).err).toContain('two outputs go to');
    expect((await link('x.pdf')).err).toContain('ends in .svg or .dot');
    expect(existsSync(at('x.dot'))).toBe(false);
  });
});
