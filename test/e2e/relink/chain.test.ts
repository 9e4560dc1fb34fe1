/** Generated chains: order, continue-masks, final verdict, shared and separate state, limits. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type RelinkResult, relink } from '../../../src/link/relink.ts';
import { type ChainComponent, relinkChain } from '../../../src/link/relink-chain.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { objectOf } from '../../support/objects.ts';

const ABORTED = 0;
const DROP = 1;
const PASS = 2;
const TX = 3;

function example(name: string, order = 'el'): { name: string; bytes: Uint8Array } {
  return { name: `${name}.bpf.o`, bytes: readFileSync(`examples/obj/${order}/${name}.bpf.o`) };
}

function object(result: RelinkResult): BpfObject {
  if (!result.ok)
    throw new Error(result.problems.map(problem => `${problem.code}: ${problem.message}`).join('\n'));
  return readObject({ name: 'written.o', bytes: writeObject(result.object) });
}

function codes(result: RelinkResult): string[] {
  return result.ok ? [] : result.problems.map(problem => problem.code);
}

/** A UDP packet: source 192.0.2.LAST, destination port, time to live. */
function packet(last: number, port: number, ttl = 64): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes.set([ttl, 17], 22);
  bytes.set([192, 0, 2, last], 26);
  bytes.set([port >> 8, port & 0xff], 36);
  return bytes;
}

function verdicts(chain: BpfObject): number[] {
  const machine = createMachine(chain);
  const cases = [
    packet(1, 80),
    packet(66, 80),
    packet(1, 6001),
    packet(66, 6001),
    packet(1, 80, 1),
    new Uint8Array(64),
  ];
  return cases.map(bytes => machine.run(bytes).verdict);
}

/** A component that returns a constant. */
function constant(verdict: number): ChainComponent {
  return {
    component: objectOf(`returns${verdict}.o`, [
      { name: 'prog', kind: 'function', section: 'xdp', context: 'xdp_md', value: verdict },
    ]),
  };
}

function chainVerdict(
  components: readonly ChainComponent[],
  options: Parameters<typeof relinkChain>[1] = {},
): number {
  return createMachine(object(relinkChain(components, options))).run(packet(1, 80)).verdict;
}

describe('a chain made for its components', () => {
  test.each(['el', 'eb'])('does what they do one after the other (%s)', order => {
    const components = ['first_firewall', 'second_firewall', 'main_a', 'main_b'].map(name => ({
      component: example(name, order),
    }));
    expect(verdicts(object(relinkChain(components)))).toEqual([PASS, DROP, DROP, DROP, DROP, DROP]);
    expect(verdicts(object(relinkChain(components.slice(0, 2))))).toEqual([
      PASS,
      DROP,
      DROP,
      DROP,
      PASS,
      PASS,
    ]);
  });

  test('stops at the first verdict that does not continue', () => {
    expect(chainVerdict([constant(PASS), constant(TX), constant(DROP)])).toBe(TX);
    expect(chainVerdict([constant(PASS), constant(PASS), constant(DROP)])).toBe(DROP);
    expect(chainVerdict([constant(ABORTED), constant(DROP)])).toBe(ABORTED);
  });

  test('has a continue-mask for the chain and one for each component', () => {
    expect(chainVerdict([constant(TX), constant(DROP)], { continueOn: ['pass', 'tx'] })).toBe(DROP);
    expect(chainVerdict([{ ...constant(TX), continueOn: ['tx'] }, constant(TX), constant(DROP)])).toBe(TX);
    expect(chainVerdict([constant(PASS), constant(DROP)], { continueOn: [] })).toBe(PASS);
    expect(chainVerdict([constant(77), constant(DROP)], { continueOn: ['77'] })).toBe(DROP);
  });

  test('ends with what the last component said, or with a fixed verdict', () => {
    expect(chainVerdict([constant(PASS), constant(TX)])).toBe(TX);
    expect(chainVerdict([constant(PASS), constant(PASS)], { final: 'drop' })).toBe(DROP);
    expect(chainVerdict([constant(PASS), constant(TX)], { final: 'drop' })).toBe(TX);
  });

  test('takes more components than any dispatcher has slots', () => {
    const many = Array.from({ length: 40 }, () => constant(PASS)).map((entry, index) => ({
      ...entry,
      instance: String(index),
    }));
    expect(chainVerdict([...many, constant(TX)])).toBe(TX);
  });

  test('can be a component itself', () => {
    const inner = object(
      relinkChain([{ component: example('first_firewall') }, { component: example('second_firewall') }]),
    );
    const outer = relinkChain([
      { component: { ...inner, name: 'inner.o' } },
      { component: example('main_b') },
    ]);
    expect(verdicts(object(outer))).toEqual([PASS, DROP, DROP, DROP, DROP, PASS]);
  });

  test('of TC programs', () => {
    const returns = (value: number): ChainComponent => ({
      component: objectOf(`tc${value}.o`, [
        { name: 'prog', kind: 'function', section: 'tc', context: '__sk_buff', value },
      ]),
    });
    const chain = object(relinkChain([returns(0), returns(2)], { continueOn: ['ok'] }));
    expect(createMachine(chain).run(packet(1, 80)).verdict).toBe(2);
  });

  test('refuses an unknown verdict once, and lists those that there are', () => {
    const result = relinkChain([constant(PASS), constant(PASS)], { continueOn: ['pas'] });
    expect(!result.ok && result.problems.map(problem => problem.message)).toEqual([
      '"pas" is not a valid verdict of section "xdp"; there are: "aborted", "drop", "pass", "tx", "redirect", or a number',
    ]);
  });
});

describe('state', () => {
  const rootlet = example('rootlet');
  const component = example('main_b');
  const total = (chain: BpfObject): number[] => {
    const machine = createMachine(chain);
    machine.run(packet(1, 80, 1));
    return chain.symbols.flatMap(symbol =>
      symbol.kind === 'variable' && symbol.name.endsWith('others') ? [symbol.size] : [],
    );
  };

  test('one component in two slots has one state, unless it is to have two', () => {
    const both = (instance?: string): RelinkResult =>
      relink(rootlet, [
        { slot: 'dummy1', component },
        { slot: 'dummy2', component, ...(instance === undefined ? {} : { instance }) },
      ]);
    expect(total(object(both()))).toEqual([8]);
    expect(total(object(both('second')))).toEqual([8, 8]);
  });

  test('maps are shared on request, when their definitions agree', () => {
    const firewall = example('first_firewall');
    const twice = [
      { slot: 'dummy1', component: firewall },
      { slot: 'dummy2', component: firewall, instance: 'two' },
    ];
    const maps = (result: RelinkResult): string[] =>
      object(result)
        .symbols.filter(symbol => symbol.kind === 'map')
        .map(symbol => symbol.name);
    expect(maps(relink(rootlet, twice))).toHaveLength(2);
    expect(maps(relink(rootlet, twice, { share: ['rules'] }))).toEqual(['rules']);
    expect(maps(relink(rootlet, twice, { share: ['*'] }))).toEqual(['rules']);
    expect(maps(relink(rootlet, twice, { share: ['*'], private: ['rules'] }))).toHaveLength(2);
    const different = [twice[0], { slot: 'dummy2', component: example('second_firewall') }].flatMap(
      entry => entry ?? [],
    );
    expect(codes(relink(rootlet, different, { share: ['rules'] }))).toEqual(['link-map-mismatch']);
  });
});

describe('explicit binding', () => {
  const provider = (name: string, value: number): ChainComponent => ({
    component: objectOf(name, [
      { name: 'prog', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['verdict'], value: PASS },
      { name: 'verdict', kind: 'function', value },
      { name: 'inner', kind: 'function', binding: 'local', value },
    ]),
  });
  const consumer: ChainComponent = {
    component: objectOf('consumer.o', [
      { name: 'prog', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['wanted'], value: TX },
      { name: 'wanted', kind: 'extern function' },
    ]),
  };

  test('gives the extern of one component a function of another', () => {
    const result = relinkChain([provider('a.o', 11), provider('b.o', 22), consumer], {
      bind: [{ consumer: 'consumer', extern: 'wanted', provider: 'b.o', target: 'verdict' }],
      optimize: false,
    });
    const chain = object(result);
    const prog = chain.symbols.find(symbol => symbol.name === 'consumer_prog');
    const target = prog?.kind === 'function' ? chain.symbols[prog.references[0]?.symbol ?? -1] : undefined;
    expect(target?.name).toBe('b_verdict');
  });

  test.each([
    ['a static', { provider: 'a.o', target: 'inner' }, 'link-bind-static'],
    ['nothing of that name', { provider: 'a.o', target: 'verdikt' }, 'link-bind-target'],
    ['an unknown file', { provider: 'c.o', target: 'verdict' }, 'link-no-input'],
    ['a name that several define', { target: 'verdict' }, 'link-bind-ambiguous'],
  ])('refuses %s', (_, target, code) => {
    const result = relinkChain([provider('a.o', 11), provider('b.o', 22), consumer], {
      bind: [{ consumer: 'consumer.o', extern: 'wanted', ...target }],
    });
    expect(codes(result)).toEqual([code]);
  });

  test('refuses an extern that is not there, and leaves the others open', () => {
    const result = relinkChain([provider('a.o', 11), consumer], {
      bind: [{ consumer: 'consumer.o', extern: 'wantet', provider: 'a.o', target: 'verdict' }],
    });
    expect(codes(result)).toEqual(['link-bind-extern']);
  });
});

describe('limits are reported before anything is written', () => {
  function nested(levels: number): BpfObject {
    let inner: BpfObject = objectOf('leaf.o', [
      { name: 'leaf', kind: 'function', section: 'xdp', context: 'xdp_md', value: PASS },
    ]);
    for (let level = 0; level < levels; level++) {
      inner = object(
        relinkChain([{ component: { ...inner, name: `level${level}.o` } }], {
          program: `level${level}`,
          optimize: false,
        }),
      );
    }
    return inner;
  }

  test('8 frames are fine, 9 are not, and the path is shown', () => {
    const plain = { optimize: false };
    const seven = nested(7);
    expect(relinkChain([{ component: nested(6) }], plain).ok).toBe(true);
    const result = relinkChain([{ component: { ...seven, name: 'deep.o' } }], plain);
    expect(codes(result)).toEqual(['relink-call-depth']);
    expect(!result.ok && result.problems[0]?.details).toEqual([
      'chain -> level6 -> level5 -> level4 -> level3 -> level2 -> level1 -> level0 -> leaf',
    ]);
    const unchecked = { ...plain, checkLimits: false };
    expect(relinkChain([{ component: { ...seven, name: 'deep.o' } }], unchecked).ok).toBe(true);
  });

  test('recursion', () => {
    const loop = objectOf('loop.o', [
      { name: 'loop', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['helper'] },
      { name: 'helper', kind: 'function', calls: ['helper'] },
    ]);
    expect(codes(relinkChain([{ component: loop }]))).toEqual(['relink-recursion']);
  });
});
