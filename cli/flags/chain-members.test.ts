import { describe, expect, test } from 'vitest';
import { memberRequests, parseMember } from './chain-members.ts';

const FIRST = 'examples/obj/el/first_firewall.bpf.o';
const SECOND = 'examples/obj/el/second_firewall.bpf.o';

describe('a member', () => {
  test.each([
    ['f.o', { file: 'f.o' }],
    ['f.o:prog', { file: 'f.o', program: 'prog' }],
    ['f.o@pass,XDP_TX', { file: 'f.o', continueOn: ['pass', 'XDP_TX'] }],
    ['f.o@none', { file: 'f.o', continueOn: [] }],
    ['f.o@', { file: 'f.o', continueOn: [] }],
    ['fw-1=f.o:prog@tx', { name: 'fw-1', file: 'f.o', program: 'prog', continueOn: ['tx'] }],
    ['./a=b/f.o', { file: './a=b/f.o' }],
    ['/x=y/f.o', { file: '/x=y/f.o' }],
    ['=f.o', { file: '=f.o' }],
    ['f=', { file: 'f=' }],
    ['a=b\nc\u001b.o', { name: 'a', file: 'b\nc\u001b.o' }],
  ])('%s', (text, member) => {
    expect(parseMember(text)).toEqual(member);
  });
});

describe('requests', () => {
  test('options are for all of them, what is given with a file goes first', () => {
    const flags = { prio: 10, on: { words: ['tx'] }, prog: 'xdp_prog1' };
    const requests = memberRequests(flags, undefined, [FIRST, `two=${SECOND}:xdp_prog2@pass`]);
    expect(requests.map(({ file, ...rest }) => ({ file: file.name, ...rest }))).toEqual([
      { file: FIRST, program: 'xdp_prog1', priority: 10, continueOn: ['tx'] },
      { file: SECOND, name: 'two', program: 'xdp_prog2', priority: 10, continueOn: ['pass'] },
    ]);
  });

  test('priority 0 and an empty list of verdicts are those of the file', () => {
    const [request] = memberRequests({ prio: 0, on: { words: null } }, 'one', [FIRST]);
    expect(Object.keys(request ?? {}).sort()).toEqual(['file', 'name']);
  });

  test('a program by its section', () => {
    const [request] = memberRequests({ section: 'xdp' }, undefined, [FIRST]);
    expect(request?.program).toBe('xdp_prog1');
    expect(() => memberRequests({ section: 'xdp/none' }, undefined, [FIRST])).toThrow(
      /there is no program in section "xdp\/none"\n {2}hint: programs are in: "xdp"/,
    );
  });

  test('a file that is given twice is read once', () => {
    const [one, other] = memberRequests({}, undefined, [`a=${FIRST}`, `b=${FIRST}`]);
    expect(one?.file).toBe(other?.file);
  });

  test('settings belong to the member that has the variable, or that is named', () => {
    const texts = [`one=${FIRST}`, `two=${SECOND}`];
    const given = (set: string[]) =>
      memberRequests({ set }, undefined, texts).map(({ settings }) => settings && [...settings.globals]);
    expect(given(['first_port=5'])).toEqual([undefined, [['first_port', 5n]]]);
    expect(given(['one:drops=5'])).toEqual([[['drops', 5n]], undefined]);
    expect(() => given(['drops=5'])).toThrow(expect.objectContaining({ code: 'state-ambiguous' }));
    expect(() => given(['nothing=5'])).toThrow(expect.objectContaining({ code: 'load-no-global' }));
  });

  test.each([
    ['--prog and --section', { prog: 'a', section: 'b' }, undefined, [FIRST], 'usage-program'],
    ['a name for several', {}, 'one', [FIRST, SECOND], 'usage-name'],
    ['two names of one member', {}, 'one', [`two=${FIRST}`], 'usage-name'],
    ['stdin without a name', {}, undefined, ['-'], 'usage-name'],
    ['a file that is not there', {}, undefined, ['nothing.o'], 'file-read'],
  ] as const)('%s: refused', (_, flags, name, texts, code) => {
    expect(() => memberRequests(flags, name, texts)).toThrow(expect.objectContaining({ code }));
  });
});
