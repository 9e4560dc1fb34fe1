import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RootletError, within } from '../diag/problem.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import type { Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read/read.ts';
import { executeLoad } from './execute/execute.ts';
import { type VerifierFailure, verifierFailureOf } from './execute/verifier-failure.ts';
import { loadObject } from './load.ts';
import { planLoad } from './plan/object.ts';
import { preparedAlone } from './plan/prepared.ts';
import { packet } from './testing.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const NAME = 'refused.bpf.o';
const MISTAKES = 'mistakes.bpf.o';
const bytesOf = (file: string) => readFileSync(join(import.meta.dirname, 'testdata/obj/el', file));

const load = (program: string, file = NAME) =>
  loadObject(readObject({ name: file, bytes: bytesOf(file) }), kernel, {
    programs: name => name === program,
    pinRoot: null,
  });

/** Kernels before these refuse the program for something else first, or say it with less. */
const SAID_SINCE: ReadonlyMap<string, number> = new Map([
  ['length_unbounded', 612],
  ['recursion', 612],
  ['lock_in_callback', 612],
  ['context_for_number', 612],
  ['sleeps', 618],
  ['record_too_far', 601],
  ['dynptr_unset', 601],
  ['dynptr_kept', 601],
  ['odd_callback', 601],
  ['in_lower_global', 601],
  ['null_arithmetic', 506],
  ['device_kfunc', 603],
  ['packet_argument', 612],
  ['stack_above_jump', 612],
  ['signed_offset', 601],
  ['length_past_variable', 518],
]);
const [major = 0, minor = 0] = release().split('.').map(Number);
const saidHere = ([program]: readonly [string, ...unknown[]]) =>
  (SAID_SINCE.get(program) ?? 0) <= major * 100 + minor;

/** The error that loading one program of the object ends with. */
function refusal(program: string, file = NAME): { error: RootletError; failure: VerifierFailure } {
  try {
    load(program, file).close();
  } catch (error) {
    const failure = verifierFailureOf(error);
    if (error instanceof RootletError && failure !== undefined) return { error, failure };
    throw error;
  }
  throw new Error(`${program} was loaded`);
}

test('programs whose section starts with ? are left out unless requested', () => {
  expect(planLoad(preparedAlone(readObject({ name: NAME, bytes: bytesOf(NAME) }))).programs).toEqual([]);
});

const PLACES: readonly (readonly [string, string | undefined, string | undefined, RegExp, RegExp])[] = [
  ['writes_constant', 'writes_constant', '*(volatile int *)&fixed = 4;', /write into map/, /read-only/],
  ['keeps_lock', 'keeps_lock', '}', /lock/, /bpf_spin_unlock/],
  [
    'helper_under_lock',
    'helper_under_lock',
    'value->number = bpf_ktime_get_ns();',
    /lock/,
    /no calls are allowed/,
  ],
  ['locks_twice', 'locks_twice', 'bpf_spin_lock(&value->lock);', /lock/, /no calls are allowed/],
  ['wrong_argument', 'wrong_argument', 'return bpf_map_lookup_elem(ctx, ctx) != 0;', /map_ptr/, /&map/],
  ['below_stack', 'below_stack', undefined, /stack/, /512 bytes/],
  ['length_unbounded', 'length_unbounded', undefined, /R4/, /length/],
  ['recursion', undefined, undefined, /call stack/, /at most 8 frames/],
  ['lock_in_callback', 'lock_in_callback', undefined, /lock/, /no calls are allowed/],
  ['odd_callback', 'callback_verdict', 'return 5;', /callback return/, /0 \(continue\)/],
  ['context_for_number', 'context_for_number', undefined, /ctx/, /pass ctx itself/],
  ['pointer_multiplied', 'pointer_multiplied', undefined, /prohibited/, /only addition and subtraction/],
  ['wide_context', 'wide_context', undefined, /bpf_context access/, /width/],
  [
    'record_used_late',
    'record_used_late',
    '*(volatile int *)record = 1;',
    /invalid mem/,
    /load pointers into it again/,
  ],
  ['record_too_far', 'record_too_far', 'record[9] = 1;', /mem_size=8/, /reserved/],
  ['dynptr_unset', 'dynptr_unset', undefined, /dynptr/, /fill the dynptr/],
  ['dynptr_kept', 'dynptr_kept', undefined, /Unreleased/, /every path must release/],
  ['sleeps', 'sleeps', undefined, /sleep/, /sleepable programs/],
  ['jumps_with_lock', 'jumping', 'bpf_tail_call(ctx, &jumps, 0);', /lock/, /no calls are allowed/],
  ['no_verdict', 'no_verdict', undefined, /R0 !read_ok/, /without a return value/],
  ['division', 'division', undefined, /div by zero/, /constant 0/],
  [
    'packet_after_change',
    'packet_after_change',
    'return data[0];',
    /invalid mem/,
    /load pointers into it again/,
  ],
  ['wrong_map_type', 'wrong_map_type', undefined, /map_type 2/, /ringbuf maps are for|takes ringbuf maps/],
];

/** Program, cause, hint, and the path of functions that uses most of the stack. */
const REMEDIES: readonly (readonly [string, RegExp, RegExp, readonly string[]])[] = [
  [
    'packet_argument',
    /invalid access to packet/,
    /__hidden or static, or link with --hide parse_packet,/,
    [],
  ],
  ['null_arithmetic', /map_value_or_null prohibited/, /compare it with NULL before computing/, []],
  [
    'stack_above_jump',
    /^tail_calls are not allowed/,
    /less than 256 bytes of stack .* 304 are/,
    ['stack_above_jump 304', 'jumps_below 0'],
  ],
  [
    'three_frames',
    /^combined stack size of 3 calls/,
    /share 512 bytes, and these 3 take/,
    ['three_frames 208', 'second_frame 176', 'third_frame 208'],
  ],
  ['device_kfunc', /device-bound program/, /bound to a network device/, []],
  ['end_moved', /pkt_end/, /compute pointers into the packet from ctx->data$/, []],
  [
    'length_past_variable',
    /invalid (write|indirect access) to stack/,
    /32 bytes .* which has 16: the length is too large/,
    [],
  ],
  ['signed_offset', /out of bounds/, /make it unsigned and bound it/, []],
];

const CALLS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['in_nested_call', ['in_nested_call', 'outer'], ['return outer(ctx) + 1;', 'return inner(data) + 1;']],
  ['jumps_with_lock', ['jumps_with_lock'], ['return jumping(ctx) + 1;']],
  ['odd_callback', ['odd_callback'], ['bpf_loop(10, callback_verdict, 0, 0);']],
  [
    'in_lower_global',
    ['in_lower_global', 'upper'],
    ['return upper(ctx->rx_queue_index) + 1;', 'return lower(&number) + 1;'],
  ],
  ['division', [], []],
];

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
      /^calls function "not_there", which does not exist$/,
      /first test whether it exists/,
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

  test.each(PLACES.filter(saidHere))('%s: place, cause and hint', (program, holder, text, cause, hint) => {
    const { failure } = refusal(program, MISTAKES);
    expect(failure.cause).toMatch(cause);
    expect(failure.hint).toMatch(hint);
    expect(failure.functionName).toBe(holder);
    if (text !== undefined) expect(failure.source).toMatchObject({ text, file: './mistakes.bpf.c' });
  });

  test.each(REMEDIES.filter(saidHere))('%s: the remedy and the stack', (program, cause, hint, frames) => {
    const { error, failure } = refusal(program, MISTAKES);
    expect(failure.cause).toMatch(cause);
    expect(failure.hint).toMatch(hint);
    expect(failure.stack.map(({ functionName, bytes }) => `${functionName} ${bytes}`)).toEqual(frames);
    if (frames.length > 0)
      expect(error.message).toContain(
        `stack in bytes: ${failure.stack.map(frame => `${frame.functionName} (${frame.bytes})`).join(' -> ')}`,
      );
  });

  test('a function of another input is named with it', () => {
    const object = readObject({ name: MISTAKES, bytes: bytesOf(MISTAKES) });
    const symbols = object.symbols.map(symbol =>
      symbol.kind === 'function' && symbol.name === 'inner'
        ? { ...symbol, origin: { ...symbol.origin, file: 'member.o' } }
        : symbol,
    );
    const plan = planLoad(preparedAlone({ ...object, symbols }), {
      programs: name => name === 'in_nested_call',
    });
    expect(() => executeLoad(plan, kernel)).toThrow(/: function "inner" of member\.o: mistakes\.bpf\.c:/);
  });

  test.each(CALLS.filter(saidHere))('%s: the calls on the way', (program, names, texts) => {
    const { error, failure } = refusal(program, MISTAKES);
    expect(failure.calls.map(call => call.functionName)).toEqual(names);
    expect(failure.calls.map(call => call.source?.text)).toEqual(texts);
    for (const text of texts) expect(error.message).toContain(`: ${text}`);
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

  test('a weak function that is missing may be requested', () => {
    using object = load('asks_before_calling');
    expect(object.testRun('asks_before_calling', packet()).verdict).toBe(2);
  });
});

test('an error of something else has no verifier failure', () => {
  expect(verifierFailureOf(new Error('x'))).toBeUndefined();
  expect(verifierFailureOf(undefined)).toBeUndefined();
});
