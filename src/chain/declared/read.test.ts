import { describe, expect, test } from 'vitest';
import { encodeText } from '../../bytes/index.ts';
import { formatProblem, type Problem, RootletError } from '../../diag/index.ts';
import { type DeclaredChain, readDeclared } from './read.ts';

function read(text: string, name = 'etc/chain.yaml'): readonly DeclaredChain[] {
  return readDeclared([{ name, bytes: encodeText(text) }]);
}

function problemsOf(text: string): readonly Problem[] {
  try {
    read(text);
  } catch (error) {
    if (error instanceof RootletError) return error.problems;
    throw error;
  }
  return [];
}

const HEAD = 'hook: xdp\ninterface: eth0\n';

test('a document with every key', () => {
  const [chain] = read(`# edge
hook: xdp
interface: eth0
mode: skb
via: static
failClosed: true
counters: false
members:
  - file: objects/firewall.bpf.o
    name: fw
    program: xdp_firewall
    priority: 10
    on: [pass, TX, 4]
    set:
      port: 0x1bb
      ratio: 1.5
      name: "80"
      strict: true
      hosts: [1, { low: 2 }]
    maxEntries:
      flows: 4096
  - file: /opt/count.bpf.o
`);
  expect(chain).toEqual({
    kind: 'xdp',
    direction: null,
    interface: 'eth0',
    title: 'xdp on eth0',
    mode: 'generic',
    via: 'static',
    failClosed: true,
    counters: false,
    where: ['etc/chain.yaml:3:12', 'interface'],
    members: [
      {
        name: 'fw',
        file: 'objects/firewall.bpf.o',
        path: 'etc/objects/firewall.bpf.o',
        program: 'xdp_firewall',
        priority: 10,
        continueOn: ['pass', 'TX', '4'],
        settings: {
          globals: new Map<string, unknown>([
            ['port', 443n],
            ['ratio', 1.5],
            ['name', '80'],
            ['strict', true],
            ['hosts', [1n, { low: 2n }]],
          ]),
          maxEntries: new Map([['flows', 4096]]),
        },
        where: ['etc/chain.yaml:10:11', 'members[0]'],
      },
      {
        name: 'count',
        file: '/opt/count.bpf.o',
        path: '/opt/count.bpf.o',
        settings: { globals: new Map(), maxEntries: new Map() },
        where: ['etc/chain.yaml:22:11', 'members[1]'],
      },
    ],
  });
});

test('several documents, empty ones between them, both directions of tc', () => {
  const chains = read(`---
hook: tc ingress
interface: eth0
via: tcx
members: [{ file: a.o, on: [ok, next, -1] }]
---
# nothing
---
{ hook: tc egress, interface: eth0, members: [] }
---
`);
  expect(chains.map(({ title, direction, via }) => [title, direction, via])).toEqual([
    ['tc ingress on eth0', 'ingress', 'tcx'],
    ['tc egress on eth0', 'egress', undefined],
  ]);
  expect(chains[0]?.members[0]?.continueOn).toEqual(['ok', 'next', '-1']);
});

test('anchors, aliases and the tags of the core schema have their meaning', () => {
  const [chain] = read(`${HEAD}members:
  - { file: a.o, on: &verdicts [pass, tx], set: { text: !!str 80, port: !!int "80" } }
  - { file: b.o, on: *verdicts }
`);
  expect(chain?.members.map(({ continueOn }) => continueOn)).toEqual([
    ['pass', 'tx'],
    ['pass', 'tx'],
  ]);
  expect(chain?.members[0]?.settings.globals).toEqual(
    new Map<string, unknown>([
      ['text', '80'],
      ['port', 80n],
    ]),
  );
});

/** Text of a file, then for each problem: code, place, part of the text. */
const REFUSED: readonly (readonly [
  text: string,
  ...found: readonly (readonly [string, string, RegExp])[],
])[] = [
  ['', ['chain-document-empty', 'etc/chain.yaml', /has no document\n {2}hint: .*"members: \[\]"/]],
  ['---\n# nothing\n---\n', ['chain-document-empty', 'etc/chain.yaml', /has no document/]],
  [
    'hook: xdp\n',
    ['chain-document-key', ':1:1', /needs the key "interface"/],
    ['chain-document-key', ':1:1', /"members"/],
  ],
  ['[]', ['chain-document-value', ':1:1', /is a list, not a document of a hook/]],
  ['text', ['chain-document-value', ':1:1', /is "text", not a document/]],
  [
    'hook: xpd\ninterface: eth0\nmembers: []\n',
    ['chain-document-value', ':1:7', /hook: is "xpd", not one of .*\n {2}hint: did you mean "xdp"\?/],
  ],
  ['hook: tc\n', ['chain-document-value', ':1:7', /hint: write "tc ingress" or "tc egress"/]],
  [
    'hook: tc ingress\nmode: skb\ninterface: e\nmembers: []',
    ['chain-document-key', ':2:1', /"mode" is not a key of a document of a TC hook/],
  ],
  [
    `${HEAD}member: []\nmembers: []`,
    ['chain-document-key', ':3:1', /"member" is not a key .*\n {2}hint: did you mean "members"\?/],
  ],
  [
    `${HEAD}members: {}`,
    ['chain-document-value', ':3:10', /is a mapping, not a list\n {2}hint: as in members: \[\]/],
  ],
  [`${HEAD}members:`, ['chain-document-value', ':3:9', /is empty, not a list/]],
  [
    `${HEAD}members:\n  - file: a.o\n    on: [pas, 31, drop]\n    priorty: 3\n    priority: -1`,
    [
      'chain-document-value',
      ':5:10',
      /members\[0\]\.on\[0\]: is "pas", not a verdict: .*\n {2}hint: did you mean "pass"\?/,
    ],
    ['chain-document-value', ':5:15', /on\[1\]: is 31, not a verdict: .* a number from 0 to 30/],
    ['chain-document-key', ':6:5', /members\[0\]\.priorty: .*\n {2}hint: did you mean "priority"\?/],
    ['chain-document-value', ':7:15', /is -1, not a whole number from 0 to 4294967295/],
  ],
  [
    `${HEAD}members: [{ file: a.o, on: pass }]`,
    ['chain-document-value', ':3:28', /is "pass", not a list\n {2}hint: as in on: \[pass\]/],
  ],
  [
    `${HEAD}members: [{ file: a.o, priority: "5" }]`,
    ['chain-document-value', ':3:34', /is "5", not a whole/],
  ],
  [`${HEAD}members: [{ file: a.o, priority: 1.5 }]`, ['chain-document-value', ':3:34', /is 1.5, not/]],
  [
    `${HEAD}members: [{ file: a.o, priority: 4294967296 }]`,
    ['chain-document-value', ':3:34', /is 4294967296, not/],
  ],
  [
    `${HEAD}members: [{ file: a.o, maxEntries: { m: 0 } }]`,
    ['chain-document-value', ':3:41', /maxEntries\.m: is 0/],
  ],
  [
    `${HEAD}members: [{ file: a.o, set: { port: } }]`,
    ['chain-document-value', ':3:37', /set\.port: is empty/],
  ],
  [
    `${HEAD}members: [{ file: a.o, set: [1] }]`,
    ['chain-document-value', ':3:29', /is a list, not a mapping of names/],
  ],
  [
    `${HEAD}members: [{ name: a }]`,
    ['chain-document-key', ':3:11', /members\[0\]: a member needs the key "file"/],
  ],
  [`${HEAD}members: [{ file: 5 }]`, ['chain-document-value', ':3:19', /is 5, not the path .*\n.*quotes/]],
  [
    `${HEAD}members: [a.o]`,
    ['chain-document-value', ':3:11', /is "a.o", not a member with the keys: "file"/],
  ],
  [`${HEAD}members: [{ file: a.o, name: "a b" }]`, ['chain-document-value', ':3:30', /is "a b", not a name/]],
  [
    'hook: xdp\ninterface: a/b\nmembers: []',
    ['chain-document-value', ':2:12', /not the name of an interface/],
  ],
  [`${HEAD}failClosed: yes\nmembers: []`, ['chain-document-value', ':3:13', /is "yes", not true or false/]],
  [`${HEAD}via: tcx\nmembers: []`, ['chain-document-value', ':3:6', /not one of "static", "libxdp"/]],
  [
    `${HEAD}members: [{ file: x/a.o }, { file: b.o, name: a }, { file: y/a.v2.o }]`,
    [
      'chain-document-duplicate',
      ':3:47',
      /members\[1\]: a second member "a"\n {2}the first one is at etc\/chain.yaml:3:19: members\[0\]/,
    ],
    ['chain-document-duplicate', ':3:60', /members\[2\]/],
  ],
  [
    `${HEAD}members: []\n---\n${HEAD}members: []`,
    [
      'chain-document-duplicate',
      ':6:12',
      /a second document of "xdp on eth0"\n {2}the first one is at etc\/chain.yaml:2:12/,
    ],
  ],
  // YAML
  [`${HEAD}hook: xdp\nmembers: []`, ['chain-document-syntax', ':3:1', /the key is given twice/]],
  [`${HEAD}members: [`, ['chain-document-syntax', ':3:11', /is not valid YAML: flow sequence/]],
  [`\thook: xdp`, ['chain-document-syntax', ':1:1', /is not valid YAML: tabs/]],
  [`${HEAD}members: !foo []`, ['chain-document-syntax', ':3:10', /the tag is not known/]],
  [`${HEAD}members: *nope`, ['chain-document-syntax', ':3:10', /there is no anchor "nope" before/]],
  [`${HEAD}members: &m [*m]`, ['chain-document-syntax', ':3:14', /alias "m" contains itself/]],
  [`${HEAD}? [a]\n: b\n`, ['chain-document-syntax', ':3:3', /a key is text/]],
  [
    `%YAML 1.1\n---\n${HEAD}members: []`,
    ['chain-document-syntax', ':3:1', /is YAML 1\.1, where "on" is not text/],
  ],
  [`a: ${'['.repeat(1_000_000)}`, ['chain-document-limit', ':1:', /nested in more than 32 levels/]],
  [`x: ${'{ a: '.repeat(40)}1${' }'.repeat(40)}`, ['chain-document-limit', ':1:', /more than 32 levels/]],
  ['- '.repeat(5_000), ['chain-document-limit', ':1:', /more than 32 levels/]],
  ['#'.repeat(2 ** 20 + 1), ['chain-document-limit', 'etc/chain.yaml', /has 1048577 bytes/]],
];

test.each(REFUSED.map((one, at) => ({ at, one })))('refused: $at', ({ one: [text, ...expected] }) => {
  const problems = problemsOf(text);
  const found = problems.map(problem => ({
    code: problem.code,
    place: problem.where[0],
    text: formatProblem(problem),
  }));
  expect(found).toEqual(
    expected.map(([code, place, message]) => ({
      code,
      place: expect.stringContaining(place),
      text: expect.stringMatching(message),
    })),
  );
});

describe('hostile files', () => {
  test('aliases of aliases are counted, not expanded', () => {
    const levels = Array.from(
      { length: 20 },
      (_, at) => `  l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}]`,
    );
    const bomb = `${HEAD}members:\n- file: a.o\n  set:\n    l0: &l0 [1]\n  ${levels.join('\n  ')}`;
    const [problem, ...rest] = problemsOf(bomb);
    expect(problem?.code).toBe('chain-document-limit');
    expect(problem?.message).toContain('those of aliases included');
    expect(rest).toEqual([]);
  });

  test('more than the limits, which the options change', () => {
    const file = (text: string) => ({ name: 'a.yaml', bytes: encodeText(text) });
    const long = file(`${HEAD}members: [] #${'#'.repeat(2 ** 20)}`);
    expect(() => readDeclared([long])).toThrow(/raise the limit: --limits document=2MiB/);
    expect(readDeclared([long], { document: 2 ** 21 })).toHaveLength(1);
    const short = file(`${HEAD}members: []`);
    expect(() => readDeclared([short], { nodes: 2 })).toThrow(/more than 2 values.*--limits nodes=4/s);
    expect(readDeclared([short], { nodes: 100 })).toHaveLength(1);
  });

  test('bytes that are not text', () => {
    const file = { name: 'a.o', bytes: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0xff) };
    expect(() => readDeclared([file])).toThrow(/^a\.o: is not UTF-8 text/);
  });

  test('names like those of objects are names', () => {
    const found = problemsOf(`${HEAD}__proto__: 1\nconstructor: 2\nmembers: []`);
    expect(found.map(({ code, subject }) => [code, subject])).toEqual([
      ['chain-document-key', '__proto__'],
      ['chain-document-key', 'constructor'],
    ]);
    const [chain] = read(`${HEAD}members: [{ file: a.o, set: { __proto__: 1 } }]`);
    expect([...(chain?.members[0]?.settings.globals ?? [])]).toEqual([['__proto__', 1n]]);
  });

  test('random edits of a valid file: a chain or problems with a place', () => {
    const valid = `${HEAD}mode: native\nmembers:\n  - file: a.o\n    on: &a [pass]\n    set: { x: [1, *a] }\n`;
    let state = 7;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % limit;
    };
    const pieces = [
      '[',
      ']',
      '{',
      '}',
      ': ',
      '- ',
      '&a ',
      '*a ',
      '!!map ',
      '"',
      "'",
      '\n',
      '---\n',
      '? ',
      '|',
      '\t',
      '~',
    ];
    for (let round = 0; round < 1500; round++) {
      let text = valid;
      for (let edit = 0; edit <= random(4); edit++) {
        const at = random(text.length);
        text = text.slice(0, at) + (pieces[random(pieces.length)] ?? '') + text.slice(at + random(3));
      }
      for (const { code, where } of problemsOf(text)) {
        expect(code, text).toMatch(/^chain-document-/);
        if (code !== 'chain-document-empty') expect(where[0], text).toMatch(/^etc\/chain\.yaml:\d+:\d+$/);
      }
    }
  });
});

test('two files, one hook: refused with both places; stdin is relative to the working directory', () => {
  const one = { name: 'a.yaml', bytes: encodeText(`${HEAD}members: []`) };
  expect(() => readDeclared([one, { ...one, name: 'b.yaml' }])).toThrow(
    /^b\.yaml:2:12: interface: a second document of "xdp on eth0"\n.* a\.yaml:2:12/,
  );
  const [chain] = read(`${HEAD}members: [{ file: x/a.o }]`, '<stdin>');
  expect(chain?.members[0]?.path).toBe('x/a.o');
});
