/**
 * Loads a consumer with the chosen back ends, and with the next ones if the kernel refuses.
 */

import { elementAt } from '../../bytes/index.ts';
import { type Problem, quote, RootletError } from '../../diag/index.ts';
import { BpfMap, type Sys } from '../../kernel/index.ts';
import { checkLimits } from '../../link/index.ts';
import {
  Cleanup,
  findTarget,
  functionsIn,
  type LoadedObject,
  loadOptimized,
  type MapPlan,
  NOT_OPTIMIZED,
  prepareLoad,
} from '../../load/index.ts';
import { type BpfObject, kindId, type ProgramType } from '../../object/index.ts';
import {
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_PERF_EVENT,
  BPF_PROG_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_TRACEPOINT,
  BPF_PROG_TYPE_TRACING,
} from '../../uapi/index.ts';
import {
  attachToStub,
  liveSizes,
  loadMember,
  memberOptionsOf,
  openShared,
  REPLACEMENT_TYPE,
} from '../providers/index.ts';
import { extStubNames } from '../stubs/index.ts';
import { uncheckedBindings } from './agreement.ts';
import { bindingsOf } from './binding-records.ts';
import type { Choice, Situation } from './choose.ts';
import { type BoundCall, type ExtUse, type PreparedConsumer, prepareConsumer } from './consumer.ts';
import { DynamicObject, type StubLink } from './dynamic-object.ts';
import type { Found } from './found.ts';
import type { DynamicLoadOptions } from './load-options.ts';

/** A function extern, and its definition if there is one already. */
export interface WantedCall {
  readonly found: Found | undefined;
  readonly situation: Situation;
}

export interface OpenChoice extends WantedCall {
  /** Best first. */
  readonly candidates: readonly Choice[];
}

/** A back end that the kernel refused for one call. */
interface RefusedCall {
  readonly call: BoundCall;
  readonly error: RootletError;
}

/** Tries the best back ends first, then the next one for each call whose back end the kernel refuses. */
export class Attempts {
  readonly #object: BpfObject;
  readonly #sys: Sys;
  readonly #options: DynamicLoadOptions;
  readonly #choices: readonly OpenChoice[];
  readonly #shares: readonly Found[];
  readonly #open: readonly number[];
  /** Position among its candidates, by call, and why earlier ones failed. */
  readonly #position: number[];
  readonly #refusals: string[][];
  /** The call whose back end ended the running attempt. */
  #refused: RefusedCall | undefined;

  constructor(
    object: BpfObject,
    sys: Sys,
    options: DynamicLoadOptions,
    choices: readonly OpenChoice[],
    shares: readonly Found[],
    open: readonly number[],
  ) {
    this.#object = object;
    this.#sys = sys;
    this.#options = options;
    this.#choices = choices;
    this.#shares = shares;
    this.#open = open;
    this.#position = choices.map(() => 0);
    this.#refusals = choices.map(() => []);
  }

  run(): DynamicObject {
    for (;;) {
      const calls = this.#choices.map((open, at) => this.#callAt(open, at));
      try {
        return this.#try(calls);
      } catch (error) {
        const refused = this.#takeRefused();
        if (refused !== undefined) this.#giveWay(calls.indexOf(refused.call), refused.error);
        else if (error instanceof RootletError && mayBeStubs(error)) this.#copyAll(calls, error);
        else throw error;
      }
    }
  }

  #callAt(open: OpenChoice, at: number): BoundCall {
    const { found, situation } = open;
    const choice = open.candidates[elementAt(this.#position, at)] ?? { via: 'copy', reason: '' };
    const refused = elementAt(this.#refusals, at);
    const reason = [choice.reason, ...refused].join('; ');
    return {
      extern: situation.extern,
      name: situation.name,
      situation,
      found,
      choice: { via: choice.via, reason },
    };
  }

  /** The next candidate for one call, or the error when there is none. */
  #giveWay(at: number, error: RootletError): void {
    const { candidates } = elementAt(this.#choices, at);
    const position = elementAt(this.#position, at);
    if (position + 1 >= candidates.length) throw error;
    const { via } = elementAt(candidates, position);
    this.#position[at] = position + 1;
    elementAt(this.#refusals, at).push(`not ${via}: the kernel refused it: ${firstMessage(error)}`);
  }

  /** A consumer that is refused with stubs may be accepted with copied code: packet pointers remain valid. */
  #copyAll(calls: readonly BoundCall[], error: RootletError): void {
    let moved = false;
    calls.forEach((call, at) => {
      const open = this.#choices[at];
      const last = (open?.candidates.length ?? 1) - 1;
      if (call.choice.via === 'copy' || open?.candidates[last]?.via !== 'copy') return;
      this.#position[at] = last;
      elementAt(this.#refusals, at).push(
        `not ${call.choice.via}: the kernel refused the program with it: ${firstMessage(error)}`,
      );
      moved = true;
    });
    if (!moved) throw error;
  }

  #try(calls: readonly BoundCall[]): DynamicObject {
    const cleanup = new Cleanup();
    return cleanup.guard(() => {
      const prepared = prepareConsumer(this.#object, calls, this.#shares, (call, found, type) =>
        this.#fillSlot(call, found, type),
      );
      refuseTooMuch(calls, this.#object, prepared.composed.object);
      const loaded = this.#loadPrepared(prepared);
      cleanup.defer(() => loaded.discard());
      const stubLinks = prepared.exts.flatMap(use => this.#attachStubs(use, loaded, cleanup));
      return new DynamicObject({
        name: this.#options.name ?? loaded.plan.objectName,
        source: this.#object,
        loaded,
        bindings: bindingsOf({
          object: this.#object,
          calls,
          shares: this.#shares,
          open: this.#open,
          prepared,
        }),
        imports: [...calls.flatMap(call => call.found ?? []), ...this.#shares].map(
          ({ extern, provider, target }) => ({ extern, provider, target: target.name }),
        ),
        stubLinks,
      });
    });
  }

  #fillSlot(call: BoundCall, { provider, target }: Found, type: ProgramType): number {
    const array = provider.tail.arrayFor(this.#sys, type);
    return this.#blaming(call, () =>
      provider.tail.entryFor(array, target.name, () =>
        loadMember(this.#sys, provider, target.name, { type }, memberOptionsOf(this.#options)),
      ),
    );
  }

  /** The refused call of the attempt that has ended; the next attempt starts without one. */
  #takeRefused(): RefusedCall | undefined {
    const refused = this.#refused;
    this.#refused = undefined;
    return refused;
  }

  /** Runs what only the back end of this call needs, and keeps the call when it is refused. */
  #blaming<T>(call: BoundCall, body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (error instanceof RootletError) this.#refused = { call, error };
      throw error;
    }
  }

  #loadPrepared({ composed, tails, exts }: PreparedConsumer): LoadedObject {
    const sys = this.#sys;
    const given = this.#options.reuse ?? (() => undefined);
    const arrayOf = (plan: MapPlan): BpfMap | undefined => {
      const use = tails.find(tail => tail.array === plan.name);
      if (use?.call.found === undefined) return undefined;
      const { map } = use.call.found.provider.tail.arrayFor(sys, use.type);
      return BpfMap.adopt(sys, map.fd.duplicate());
    };
    const options = {
      ...this.#options,
      ownGlobal: (name: string, section: string) =>
        !composed.shared.has(section) || composed.joined.has(`${section}:${name}`),
      maxEntries: liveSizes(composed.shared, this.#options.maxEntries),
      reuse: (plan: MapPlan) => openShared(composed.shared, plan) ?? arrayOf(plan) ?? given(plan),
    };
    const called = this.#choices.map(choice => choice.found).filter(choice => choice !== undefined);
    const found = [...called, ...this.#shares];
    const unchecked = uncheckedBindings(this.#object, found);
    const { level, ...setting } = this.#options.optimize ?? NOT_OPTIMIZED;
    const stubs = functionsIn(
      composed.object,
      exts.flatMap(({ call }) => extStubNames(call.name)),
    );
    const noInline = [...(setting.noInline ?? []), ...stubs];
    return loadOptimized(
      composed.object,
      { ...setting, level, noInline },
      {
        sys,
        options,
        planOf: object => {
          const { plan } = prepareLoad(object, sys, options);
          return { ...plan, notes: [...unchecked, ...plan.notes] };
        },
      },
    );
  }

  /** Attaches what replaces the first stub of each pair, in every program that has it. */
  #attachStubs(use: ExtUse, loaded: LoadedObject, cleanup: Cleanup): StubLink[] {
    const { call, type } = use;
    const { found } = call;
    if (found === undefined) return [];
    const [stub] = extStubNames(call.name);
    const programs = call.situation.callers.map(({ program }) => program.name);
    const there = programs.filter(name => loaded.programs.has(name));
    return there.map(name =>
      this.#blaming(call, (): StubLink => {
        const target = findTarget(loaded.program(name), stub);
        const replacement = found.provider.replacements.programFor(found.target.name, kindId(type), () =>
          loadMember(
            this.#sys,
            found.provider,
            found.target.name,
            { type: REPLACEMENT_TYPE, target },
            memberOptionsOf(this.#options),
          ),
        );
        const link = cleanup.own(attachToStub(this.#sys, replacement, target));
        return { extern: call.name, program: name, stub: 'a', link };
      }),
    );
  }
}

/** Programs of these types may have a separate stack for each function (since Linux 6.13). */
const OWN_STACKS: ReadonlySet<number> = new Set([
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_TRACEPOINT,
  BPF_PROG_TYPE_PERF_EVENT,
  BPF_PROG_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_TRACING,
]);

function firstMessage({ problems }: RootletError): string {
  return elementAt(problems, 0).message;
}

/** Checks limits (stack, depth of calls, maps) with copied code before the verifier does. */
function refuseTooMuch(calls: readonly BoundCall[], before: BpfObject, after: BpfObject): void {
  const copied = calls.filter(call => call.choice.via === 'copy');
  const types = copied.flatMap(call => call.situation.callers.map(caller => caller.type?.progType ?? 0));
  if (copied.length === 0 || types.some(type => OWN_STACKS.has(type))) return;
  const known = checkLimits(before);
  const problems = checkLimits(after).filter(now => !known.some(old => exceedsAlready(old, now)));
  if (problems.length === 0) return;
  const names = copied.map(call => quote(call.name)).join(', ');
  throw new RootletError(
    problems.map(problem => ({
      ...problem,
      hint: `with the code of ${names} copied in; --via ext gives it a stack of its own`,
    })),
  );
}

/**
 * Whether the program exceeds the limit without the copied code as well: that is for the verifier to report.
 */
function exceedsAlready(old: Problem, now: Problem): boolean {
  return old.code === now.code && old.subject === now.subject;
}

/** Refusals that copied code may avoid. */
function mayBeStubs(error: RootletError): boolean {
  return error.code === 'kernel-verifier-refused';
}
