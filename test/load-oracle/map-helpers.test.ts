/**
 * Which helpers take which maps, as the kernel and the machine judge it: every helper with a map of every
 * type, in the smallest program. The table of `src/object/maps/helpers.ts` and both agree; every difference
 * has its reason below, and every reason is needed.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { BtfBuilder, encodeBtf } from '../../src/btf/index.ts';
import { RootletError } from '../../src/diag/problem.ts';
import { assemble, BPF_PSEUDO_MAP_FD, encodeInsns, helperId, loadWords } from '../../src/isa/index.ts';
import { tryLoadBtf } from '../../src/kernel/objects/btf-object.ts';
import { type MapSpec, tryCreateMap } from '../../src/kernel/objects/map.ts';
import { tryLoadProgram } from '../../src/kernel/objects/program.ts';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { HOST_ORDER } from '../../src/kernel/uapi/attr.ts';
import { encodeFuncInfo } from '../../src/load/plan/records.ts';
import { MAP_HELPER_IDS, mapCallRefusal } from '../../src/object/maps/helpers.ts';
import type { MapShape } from '../../src/object/maps/shape.ts';
import * as uapi from '../../src/uapi/index.ts';
import { mapTypeName } from '../../src/uapi/index.ts';
import { helperById } from '../../src/vm/helpers/index.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { SUPPORTED_MAP_TYPES } from '../../src/vm/run/map-factory.ts';
import { missing } from '../support/needs.ts';
import { callSteps, MAP_CALLS, type MapCall, withCallback } from './support-calls.ts';
import { callObject } from './support-map-object.ts';
import { knownTypes, validShape } from './support-maps.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const skipped = missing('root', 'bpf') ?? reason;
const ALL_TYPES = Array.from({ length: uapi.MAP_TYPE_COUNT - 1 }, (_, index) => index + 1);
const TYPES = knownTypes();
const SOCKET_MAPS = [uapi.BPF_MAP_TYPE_SOCKMAP, uapi.BPF_MAP_TYPE_SOCKHASH];

/** Helpers that no program here can call. */
const NOT_TRIED: Readonly<Record<string, string>> = {
  bpf_skb_output: 'for tracing programs, which attach to a function',
  bpf_xdp_output: 'for tracing programs, which attach to a function',
  bpf_inode_storage_get: 'for LSM programs, which attach to a function',
  bpf_inode_storage_delete: 'for LSM programs, which attach to a function',
};
/** Messages of the verifier that are about the type of the map: as such, or as a map without keys, values, sockets. */
const ABOUT_TYPE =
  /cannot pass map_type \d+ into func|expected prog array map for tail call|callback function not allowed for map|cannot update sockmap|invalid zero-sized read|invalid arg_type for sockmap|expected=sock_common|write into map forbidden/;

/** Where the kernel refuses what the table accepts. */
const EXPLAINED: readonly (readonly [reason: string, log: RegExp, name: string])[] = [
  ['values for a map of sockets are sockets, not bytes', /expected=sock_common/, 'map_update_elem'],
  ['sockets of a map are to be released', /Unreleased reference/, 'map_lookup_elem'],
];

function lastLine(log: string | undefined): string {
  const [before = '', last = log] =
    log
      ?.trim()
      .replace(/processed \d+ insn.*/, '')
      .trim()
      .split('\n')
      .slice(-2) ?? [];
  return `${before} | ${last}`;
}

function refusedByTable({ name, progType }: MapCall, type: number): boolean {
  const helper = helperId(`bpf_${name}`) ?? 0;
  return mapCallRefusal(helper, { type }, { progType, expectedAttachType: 0 }) !== undefined;
}

test('every helper of the table is tried', () => {
  const tried = new Set(MAP_CALLS.map(({ name }) => helperId(`bpf_${name}`)));
  const others = Object.keys(NOT_TRIED).map(name => helperId(name));
  expect([...tried, ...others].sort()).toEqual([...MAP_HELPER_IDS].sort());
});

describe.skipIf(skipped !== undefined)(
  `like the kernel${skipped === undefined ? '' : ` (${skipped})`}`,
  () => {
    const used = new Set<string>();
    const builder = new BtfBuilder();
    const int = { size: 4, bits: 32, bitOffset: 0, signed: true, char: false, bool: false } as const;
    const returns = builder.add({ kind: 'int', name: 'int', ...int });
    const proto = builder.add({ kind: 'func_proto', returns, params: [] });
    const main = builder.add({ kind: 'func', name: 'main', type: proto, linkage: 'global' });
    const callback = builder.add({ kind: 'func', name: 'callback', type: proto, linkage: 'static' });
    const [btfFd, typesFd] = [builder.build(), TYPES.btf].map(btf =>
      skipped === undefined ? tryLoadBtf(kernel, encodeBtf(btf, HOST_ORDER)) : -1,
    );
    afterAll(() => {
      for (const fd of [btfFd, typesFd]) if (fd !== undefined && fd >= 0) kernel.syscall('close', fd);
    });

    function specOf(shape: MapShape): MapSpec {
      const { keyType: keyTypeId, valueType: valueTypeId } = shape;
      const typed =
        keyTypeId !== 0 && typesFd !== undefined ? { btfFd: typesFd, keyTypeId, valueTypeId } : {};
      return { name: 'map', ...shape, ...typed };
    }

    /** Descriptor; negative when this kernel has no such maps. */
    function create(type: number): number {
      const shape = validShape(type, TYPES);
      const inner = shape.inner === null ? undefined : tryCreateMap(kernel, specOf(shape.inner));
      const fd = tryCreateMap(kernel, {
        ...specOf(shape),
        ...(inner === undefined ? {} : { innerMapFd: inner }),
      });
      if (inner !== undefined && inner >= 0) kernel.syscall('close', inner);
      return fd;
    }

    /** The log of a refusal; undefined when the kernel accepts. */
    function load(call: MapCall, map: number): string | undefined {
      const { insns } = assemble(callSteps(call, dst => loadWords(dst, BPF_PSEUDO_MAP_FD, map)));
      const hasCallback = call.args.includes('callback');
      const code = encodeInsns(hasCallback ? withCallback(insns) : insns, HOST_ORDER);
      const plan = (insnIndex: number, btfId: number) => ({
        name: '',
        file: '',
        insnIndex,
        insnCount: 0,
        btfId,
      });
      const functions = [plan(0, main), ...(hasCallback ? [plan(insns.length, callback)] : [])];
      const funcInfo = encodeFuncInfo(functions, HOST_ORDER) ?? new Uint8Array();
      const spec = { name: 'call', type: call.progType, code, license: 'GPL', btfFd: btfFd ?? 0, funcInfo };
      const result = tryLoadProgram(kernel, spec, 1, 1 << 16);
      if (result.kind === 'refused') return result.log || uapi.errnoText(result.errno);
      result.fd.close();
      return undefined;
    }

    function difference(call: MapCall, type: number, map: number): string | undefined {
      const log = load(call, map);
      const refused = refusedByTable(call, type);
      if (refused ? log !== undefined && ABOUT_TYPE.test(log) : log === undefined) return undefined;
      const explanation = EXPLAINED.find(
        ([, pattern, name]) => name === call.name && pattern.test(log ?? ''),
      );
      if (!refused && explanation !== undefined && SOCKET_MAPS.includes(type)) {
        used.add(explanation[0]);
        return undefined;
      }
      return `${call.name} in ${uapi.progTypeName(call.progType)}: ${refused ? 'refused' : 'accepted'} by the table: ${lastLine(log)}`;
    }

    test.each(ALL_TYPES.map(type => [mapTypeName(type), type] as const))('%s', (_name, type) => {
      const map = create(type);
      if (map < 0) return;
      try {
        expect(MAP_CALLS.flatMap(call => difference(call, type, map) ?? [])).toEqual([]);
      } finally {
        kernel.syscall('close', map);
      }
    });
  },
);

describe('the machine', () => {
  const calls = MAP_CALLS.filter(
    ({ name, progType }) =>
      progType === uapi.BPF_PROG_TYPE_XDP && helperById(helperId(`bpf_${name}`) ?? 0) !== undefined,
  );

  function codeOf(call: MapCall, type: number, hidden: boolean): string {
    try {
      createMachine(callObject(call, validShape(type, TYPES), hidden)).run(new Uint8Array(64));
      return 'accepted';
    } catch (error) {
      if (error instanceof RootletError) return error.code;
      throw error;
    }
  }

  test.each(
    SUPPORTED_MAP_TYPES.flatMap(type => [
      [mapTypeName(type), 'known when it is compiled', type, false] as const,
      [mapTypeName(type), 'known when it runs', type, true] as const,
    ]),
  )('%s, %s', (_name, _when, type, hidden) => {
    const found = calls.map(call => [call.name, codeOf(call, type, hidden)]);
    expect(found).toEqual(
      calls.map(call => [call.name, refusedByTable(call, type) ? 'vm-map-helper' : 'accepted']),
    );
  });
});
