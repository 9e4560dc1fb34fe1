/**
 * Chains of random programs, and what they must do: the components run one after the other, each as a whole program in
 * a machine of its own.
 */

import { makeChain } from '../../src/link/relink/chain.ts';
import { type RelinkResult, relink } from '../../src/link/relink.ts';
import { type ChainComponent, type ChainRelinkOptions, relinkChain } from '../../src/link/relink-chain.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import type { SeededRandom } from '../hostile/random.ts';
import { buildUnits, buildWhole } from './build.ts';
import { generateModel } from './generate.ts';
import { type Model, programsIn } from './model.ts';
import { inMachine, type Step, type Subject } from './observe.ts';
import { linked, throughBytes } from './passes.ts';

/** A chain as an object, and as parts that are run one after the other. */
export interface Chain {
  readonly object: BpfObject;
  readonly program: string;
  /** Undefined for a slot that nobody filled: it returns 0. */
  readonly links: readonly ChainLink[];
}

export interface ChainLink {
  readonly continueOn: readonly number[];
  /** Undefined for a slot that nobody filled: it returns 0. */
  readonly part:
    | { readonly whole: BpfObject; readonly program: string; readonly state: string }
    | Chain
    | undefined;
}

export interface ChainVariant {
  readonly name: string;
  readonly make: (seed: number, random: SeededRandom, optimize: boolean) => Chain;
}

const COMPONENT = { tailCalls: false, verdictMask: 3 } as const;

interface Component {
  readonly model: Model;
  readonly object: BpfObject;
  readonly whole: BpfObject;
  readonly program: string;
}

/** Programs with the same names of functions, maps and variables, and shapes of their own. */
function component(seed: number, position: number, units = 2): Component {
  const options = { ...COMPONENT, oneProgram: true, units, firstId: 12 * position };
  const model = generateModel(seed * 10 + position, options);
  const object = throughBytes(linked(buildUnits(model), { name: `component${position}.o` }));
  return {
    model,
    object: { ...object, name: `component${position}.o` },
    whole: buildWhole(model),
    program: programsIn(model)[0]?.name ?? '',
  };
}

function somemask(random: SeededRandom): number[] {
  return [0, 1, 2, 3].filter(() => random.below(4) !== 0);
}

export function relinked(result: RelinkResult): BpfObject {
  if (result.ok) return result.object;
  throw new Error(
    `relink: ${result.problems.map(problem => `${problem.where.join(': ')}: ${problem.message}`).join('\n')}`,
  );
}

interface Planned {
  readonly entry: ChainComponent;
  readonly link: ChainLink;
}

function chainOf(planned: readonly Planned[], options: ChainRelinkOptions): Chain {
  const object = relinked(
    relinkChain(
      planned.map(({ entry, link }) => ({ ...entry, continueOn: link.continueOn.map(String) })),
      options,
    ),
  );
  return { object, program: options.program ?? 'chain', links: planned.map(({ link }) => link) };
}

function plan(one: Component, state: string, random: SeededRandom): Planned {
  const { object, whole, program } = one;
  return {
    entry: { component: object },
    link: { continueOn: somemask(random), part: { whole, program, state } },
  };
}

export const CHAINS: readonly ChainVariant[] = [
  {
    name: 'components with the same names',
    make(seed, random, optimize) {
      const count = 2 + random.below(3);
      const planned = Array.from({ length: count }, (_, at) => plan(component(seed, at), `${at}`, random));
      return chainOf(planned, { optimize });
    },
  },
  {
    name: 'one component in two slots',
    make(seed, random, optimize) {
      const [first, second] = [component(seed, 0), component(seed, 1)];
      return chainOf([plan(first, 'a', random), plan(second, 'b', random), plan(first, 'a', random)], {
        optimize,
      });
    },
  },
  {
    name: 'one component in two slots with a state of its own',
    make(seed, random, optimize) {
      const first = component(seed, 0);
      const again = plan(first, 'other', random);
      return chainOf(
        [plan(first, 'one', random), { ...again, entry: { ...again.entry, instance: 'other' } }],
        { optimize },
      );
    },
  },
  {
    name: 'a chain as a component',
    make(seed, random, optimize) {
      const parts = [0, 1, 2].map(at => plan(component(seed, at, 1), `${at}`, random));
      const inner = chainOf(parts.slice(0, 2), { program: 'inner', name: 'inner.o', optimize });
      const planned: Planned = {
        entry: { component: throughBytes(inner.object) },
        link: { continueOn: somemask(random), part: inner },
      };
      return chainOf([planned, ...parts.slice(2)], { optimize });
    },
  },
  {
    name: 'nothing collected',
    make(seed, random, optimize) {
      const planned = [0, 1].map(at => plan(component(seed, at), `${at}`, random));
      return chainOf(planned, { gcSections: false, optimize });
    },
  },
  {
    name: 'a slot that is not filled',
    make(seed, random, optimize) {
      const parts = [0, 2].map(at => plan(component(seed, at), `${at}`, random));
      const empty: ChainLink = { continueOn: [0], part: undefined };
      const links = parts.flatMap(({ link }, at) => (at === 0 ? [link, empty] : [link]));
      const rootlet = makeChain({ slots: links, section: 'xdp', byteOrder: 'little' });
      const assignments = parts.map(({ entry }, at) => ({
        slot: `slot${1 + 2 * at}`,
        component: entry.component,
      }));
      return {
        object: relinked(relink(throughBytes(rootlet), assignments, { optimize })),
        program: 'chain',
        links,
      };
    },
  },
];

/** Components of one program that share their maps and variables by name: as the program itself with both one after the other. */
export function sharedChain(seed: number, random: SeededRandom, optimize: boolean): Chain {
  let model = generateModel(seed, { ...COMPONENT, statics: false });
  for (let next = seed; programsIn(model).length < 2; next += 1000)
    model = generateModel(next + 1000, { ...COMPONENT, statics: false });
  const whole = buildWhole(model);
  const planned = programsIn(model).map(({ id, name }, at): Planned => {
    const object = linked(buildUnits(model, { program: id }), { gcSections: true, name: `component${at}.o` });
    const part = { whole, program: name, state: 'all' };
    return { entry: { component: object }, link: { continueOn: somemask(random), part } };
  });
  const known = new Set(
    planned.flatMap(({ entry }) => ('symbols' in entry.component ? namesIn(entry.component) : [])),
  );
  const share = model.variables.map(({ name }) => name).filter(name => known.has(name));
  return chainOf(planned, { share: ['*', ...share], optimize });
}

function namesIn(object: BpfObject): string[] {
  return object.symbols.map(({ name }) => name);
}

/** The parts of a chain, run one after the other in machines of their own. */
export function inTurn(chain: Chain, seed: number): Subject {
  const machines = new Map<string, Subject>();
  const open = ({ links }: Chain): void => {
    for (const { part } of links) {
      if (part === undefined) continue;
      if ('links' in part) open(part);
      else if (!machines.has(part.state)) machines.set(part.state, inMachine(part.whole, seed));
    }
  };
  open(chain);
  return {
    run: step => runInTurn(chain, step, machines),
    state() {
      const all = new Map<string, string[]>();
      for (const machine of machines.values())
        for (const [shape, contents] of machine.state())
          all.set(shape, [...(all.get(shape) ?? []), ...contents].sort());
      return all;
    },
    close() {
      for (const machine of machines.values()) machine.close();
    },
  };
}

function runInTurn(
  { links }: Chain,
  { packet }: Step,
  machines: ReadonlyMap<string, Subject>,
): { readonly verdict: number; readonly packet: Uint8Array } {
  let current = { verdict: 0, packet };
  for (const { continueOn, part } of links) {
    const step = { program: '', packet: current.packet };
    if (part === undefined) current = { ...current, verdict: 0 };
    else if ('links' in part) current = runInTurn(part, step, machines);
    else current = machines.get(part.state)?.run({ ...step, program: part.program }) ?? current;
    if (!continueOn.includes(current.verdict)) return current;
  }
  return current;
}
