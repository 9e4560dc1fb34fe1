import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RootletError, within } from '../diag/index.ts';
import type { Sys } from '../kernel/sys.ts';
import { FakeSys } from '../kernel/sys-fake.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read.ts';
import { executeLoad } from './execute.ts';
import { planLoad } from './plan-object.ts';
import { packet } from './testing.ts';
import { type VerifierFailure, verifierFailureOf } from './verifier-failure.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const NAME = 'refused.bpf.o';
const BYTES = readFileSync(join(import.meta.dirname, 'testdata/obj/el', NAME));

const load = (program: string) =>
  executeLoad(planLoad(readObject(BYTES, NAME), { programs: name => name === program }), kernel);

/** The error that loading one program of the object ends with. */
function refusal(program: string): { error: RootletError; failure: VerifierFailure } {
  try {
    load(program).close();
  } catch (error) {
    const failure = verifierFailureOf(error);
    if (error instanceof RootletError && failure !== undefined) return { error, failure };
    throw error;
  }
  throw new Error(`${program} was loaded`);
}

test('programs whose section starts with ? are left out unless asked for', () => {
  expect(planLoad(readObject(BYTES, NAME)).programs).toEqual([]);
});

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test.each([
    ['no_bounds', 'no_bounds', 'return data[12];', /invalid access to packet/, /data_end/],
    ['no_null_check', 'no_null_check', '*count += 1;', /map_value_or_null/, /NULL/],
    ['endless', 'endless', undefined, /infinite loop/, /bpf_loop/],
    ['too_much_stack', undefined, undefined, /combined stack size/, /512 bytes/],
    ['uninitialised', 'uninitialised', undefined, /!read_ok/, /before it has a value/],
    ['in_global_function', 'global', 'return *number;', /mem_or_null/, /NULL/],
    ['wrong_helper', 'wrong_helper', undefined, /(unknown func|cannot use helper)/, /program type/],
    ['gpl_helper', 'gpl_helper', undefined, /GPL/, /LICENSE/],
    ['keeps_record', 'keeps_record', undefined, /[Uu]nreleased reference/, /every path must release/],
    ['outside_value', 'outside_value', 'value[ctx->rx_queue_index] = 1;', /./, /bound/],
    ['writes_context', 'writes_context', 'ctx->ingress_ifindex = 3;', /context/, /./],
    ['strange_verdict', 'strange_verdict', undefined, /exit|R0/, /return value/],
    [
      'calls_missing',
      'calls_missing',
      undefined,
      /calls function "not_there", which is not there/,
      /ask first/,
    ],
  ])('%s: function, source line, cause and hint', (program, holder, text, cause, hint) => {
    const before = countFds();
    const { error, failure } = refusal(program);
    expect(failure.cause).toMatch(cause);
    expect(failure.hint).toMatch(hint);
    if (holder !== undefined) expect(failure.functionName).toBe(holder);
    if (text !== undefined) expect(failure.source).toMatchObject({ text, file: './refused.bpf.c' });
    expect(error.code).toBe('kernel-verifier-refused');
    expect(error.problems[0]).toMatchObject({ class: 'platform', errno: failure.errno });
    expect(countFds()).toBe(before);
  });

  test('the message has place, cause, source, the end of the log and a hint', () => {
    const { error, failure } = refusal('no_bounds');
    expect(error.message).toMatch(
      /^refused\.bpf\.o: program "no_bounds": refused\.bpf\.c:18: insn 1: invalid access to packet/,
    );
    expect(error.message).toContain('source: return data[12];');
    expect(error.message).toContain(failure.log.at(-1) ?? '?');
    expect(error.message).toMatch(/\n {2}hint: .*data_end/);
    expect(failure.states.length).toBeGreaterThan(0);
  });

  test('the failure survives further places around the error', () => {
    const { error } = refusal('no_bounds');
    let outer: unknown;
    try {
      within('chain "eth0"', () => {
        throw error;
      });
    } catch (caught) {
      outer = caught;
    }
    expect(verifierFailureOf(outer)?.program).toBe('no_bounds');
  });

  test('a weak function that is missing may be asked for', () => {
    using object = load('asks_before_calling');
    expect(object.testRun('asks_before_calling', packet()).verdict).toBe(2);
  });
});

test('an error of something else has no verifier failure', () => {
  expect(verifierFailureOf(new Error('x'))).toBeUndefined();
  expect(verifierFailureOf(undefined)).toBeUndefined();
});
