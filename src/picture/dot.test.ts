/** The text of DOT: the same for the same picture, and nothing that a name can end or begin. */

import { describe, expect, test } from 'vitest';
import { dotOf } from './dot.ts';
import { edge, node } from './model.ts';
import { HOSTILE, hostilePicture, picture } from './testing.ts';
import { cut, shortened, xmlText } from './text.ts';

describe('DOT', () => {
  test('has nodes by number, with what they are', () => {
    const nodes = [node('a', 'program', 'main', ['xdp']), node('b', 'map', 'flows')];
    const text = dotOf(picture({ nodes, edges: [edge('a', 'b', 'use', 'reads')] }));
    expect(text).toMatch(/^digraph rootlet \{\n {2}graph \[rankdir=LR,/);
    expect(text).toMatch(
      /\n {2}n0 \[class="program", shape=box, .*label=<<b>main<\/b><br\/>.*xdp<\/font>>\];\n/,
    );
    expect(text).toMatch(/\n {2}n1 \[class="map", shape=cylinder, /);
    expect(text).toMatch(/\n {2}n0 -> n1 \[class="use", .*label=<&#160;&#160;reads>\];\n\}\n$/);
    expect(dotOf(picture({ nodes, direction: 'down' }))).toContain('rankdir=TB');
  });

  test('is the same for the same picture', () => {
    const nodes = [node('a', 'function', 'f'), node('b', 'function', 'g')];
    const make = (): string => dotOf(picture({ nodes, edges: [edge('a', 'b', 'call')] }));
    expect(make()).toBe(make());
  });

  test('names what the kinds look like that it has, and no others', () => {
    const text = dotOf(
      picture({
        nodes: [node('a', 'program', 'f'), node('b', 'extern', 'g')],
        edges: [{ ...edge('a', 'b', 'call'), marked: true }],
        marked: 'most stack',
      }),
    );
    for (const word of ['■</font> program', '▢</font> extern', '──▶</font> call', '━━▶ most stack'])
      expect(text).toContain(word);
    for (const word of ['tail call', '> map', 'variable']) expect(text).not.toContain(word);
    expect(text).toMatch(/n0 -> n1 \[class="call marked", .*penwidth=2.4/);
  });

  test('keeps what no edge orders in rows', () => {
    const nodes = Array.from({ length: 9 }, (_, at) => node(String(at), 'variable', `v${at}`));
    const clusters = [{ label: 'a.o', details: [], nodes: nodes.map(({ id }) => id) }];
    const rows = [...dotOf(picture({ nodes, clusters })).matchAll(/^ {2}(n.*) \[style=invis\];$/gm)];
    expect(rows.map(([, row]) => row)).toEqual(['n0 -> n1 -> n2', 'n3 -> n4 -> n5', 'n6 -> n7 -> n8']);
  });

  test.for(HOSTILE)('%j stays text', name => {
    const text = dotOf(hostilePicture(name));
    const plain = dotOf(hostilePicture('plain'));
    // the same statements: one a line, whatever the names are
    const statements = (of: string): string[] => of.split('\n').map(line => line.slice(0, 8));
    expect(statements(text)).toEqual(statements(plain));
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffe\uffff]/u);
    expect(text).not.toMatch(/<(?!\/?(b|br|font|table|tr|td)\b|<)[a-z!/]/i);
    expect(text.length).toBeLessThan(5000);
  });
});

describe('texts', () => {
  test('have entities for what XML knows', () => {
    expect(xmlText(`<a href="x">&'`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;');
    expect(xmlText('\u202e\uffff\n')).toBe('\\u202e\\uffff\\n');
  });

  test('are shortened by characters, not in the middle of one', () => {
    expect(shortened('abcdefghij', 10)).toBe('abcdefghij');
    expect(shortened('abcdefghijk', 10)).toBe('abcdef…ijk');
    expect(cut('abcdefghijk', 10)).toBe('abcdefghi…');
    expect(Array.from(shortened('😀'.repeat(50), 12))).toHaveLength(12);
    expect(shortened('\u202e'.repeat(9), 12)).toHaveLength(12);
  });
});
