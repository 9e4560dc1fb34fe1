/**
 * Map definitions as the kernel judges them: random definitions of every type around its limits, created with
 * BPF_MAP_CREATE. The table of `src/object/maps/` and the kernel agree on acceptance and errno; every
 * difference has its reason below, and every reason is needed.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { encodeBtf } from '../../src/btf/index.ts';
import { tryLoadBtf } from '../../src/kernel/objects/btf-object.ts';
import { type MapSpec, tryCreateMap } from '../../src/kernel/objects/map.ts';
import { mapMachine } from '../../src/kernel/objects/map-machine.ts';
import { probeMapType } from '../../src/kernel/probes/probe-types.ts';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { HOST_ORDER } from '../../src/kernel/uapi/attr.ts';
import { mapRefusals } from '../../src/object/maps/check.ts';
import type { MapShape } from '../../src/object/maps/shape.ts';
import { typesRefusal } from '../../src/object/maps/types.ts';
import { EINVAL, errnoName, MAP_TYPE_COUNT, mapTypeName } from '../../src/uapi/index.ts';
import { missing } from '../support/needs.ts';
import { allocation, knownTypes, randomShape } from './support-maps.ts';
import { randomOf } from './support-random.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const skipped = missing('root', 'bpf') ?? reason;
const SEED = 20261118;
const ROUNDS = 400;
/** Bytes. Larger maps that the table accepts are not tried. */
const AFFORDABLE = 64 * 2 ** 20;
const BPF_F_TOKEN_FD = 1 << 16;

/** Where the kernel and the table differ. */
const EXPLAINED: readonly (readonly [
  reason: string,
  holds: (shape: MapShape, known: Set<number>) => boolean,
])[] = [
  [
    'definitions do not have BPF_F_TOKEN_FD; the kernel opens the token after the rules of the type',
    ({ flags }) => (flags & BPF_F_TOKEN_FD) !== 0,
  ],
  [
    'this kernel lacks the type of the inner map',
    ({ inner }, known) => inner !== null && !known.has(inner.type),
  ],
];

describe.skipIf(skipped !== undefined)(
  `like the kernel${skipped === undefined ? '' : ` (${skipped})`}`,
  () => {
    const machine = skipped === undefined ? mapMachine() : undefined;
    const types = knownTypes();
    const btfFd = skipped === undefined ? tryLoadBtf(kernel, encodeBtf(types.btf, HOST_ORDER)) : -1;
    const all = Array.from({ length: MAP_TYPE_COUNT - 1 }, (_, index) => index + 1);
    const known = new Set(
      skipped === undefined ? all.filter(type => probeMapType(kernel, type).state !== 'no') : [],
    );
    const used = new Set<string>();
    afterAll(() => {
      if (btfFd >= 0) kernel.syscall('close', btfFd);
    });

    function specOf(shape: MapShape): MapSpec {
      const typed = shape.keyType !== 0 || shape.valueType !== 0;
      const { keyType: keyTypeId, valueType: valueTypeId } = shape;
      return { name: 'rule', ...shape, ...(typed ? { btfFd, keyTypeId, valueTypeId } : {}) };
    }

    /** errno; 0 when the map was created. */
    function create(shape: MapShape): number {
      const inner = shape.inner === null ? undefined : tryCreateMap(kernel, specOf(shape.inner));
      if (inner !== undefined && inner < 0) return -inner;
      const fd = tryCreateMap(kernel, {
        ...specOf(shape),
        ...(inner === undefined ? {} : { innerMapFd: inner }),
      });
      for (const made of [inner, fd]) if (made !== undefined && made >= 0) kernel.syscall('close', made);
      return fd < 0 ? -fd : 0;
    }

    /** errno that the table expects; null: any but 0, as loaders try again without types. */
    function expected(shape: MapShape): number | null {
      const typed = shape.keyType !== 0 || shape.valueType !== 0;
      if (shape.keyType !== 0 && shape.valueType === 0) return EINVAL; // before all other rules
      const [first] = machine === undefined ? [] : mapRefusals(shape, machine, types.btf);
      if (first !== undefined) return first.errno;
      return typed && typesRefusal(shape, types.btf) !== undefined ? null : 0;
    }

    function compare(shape: MapShape): 'same' | 'explained' | string {
      const [errno, wanted] = [create(shape), expected(shape)];
      if (wanted === null ? errno !== 0 : errno === wanted) return 'same';
      const explanation = EXPLAINED.find(([, holds]) => holds(shape, known));
      if (explanation === undefined) {
        const text = JSON.stringify(shape, (_, value) => (typeof value === 'bigint' ? String(value) : value));
        return `${text}: ${errnoName(errno)} instead of ${wanted === null ? 'refused' : errnoName(wanted)}`;
      }
      used.add(explanation[0]);
      return 'explained';
    }

    test.each(all.map(type => [mapTypeName(type), type] as const))(`%s (seed ${SEED})`, (_name, type) => {
      if (!known.has(type) || machine === undefined) return;
      const random = randomOf(SEED + type);
      const differences: string[] = [];
      let tried = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const shape = randomShape(type, types, random);
        // the kernel looks at types when the map is there
        const created = mapRefusals(shape, machine).length === 0;
        if (created && allocation(shape, machine) > AFFORDABLE) continue;
        tried++;
        const result = compare(shape);
        if (result !== 'same' && result !== 'explained') differences.push(result);
      }
      expect(differences).toEqual([]);
      expect(tried).toBeGreaterThan(ROUNDS * 0.9);
    });

    test('every explanation is needed', () => {
      const needed = EXPLAINED.map(([reason]) => reason).filter(
        reason => known.size < all.length || !reason.includes('lacks'),
      );
      expect([...used].sort()).toEqual([...needed].sort());
    });
  },
);
