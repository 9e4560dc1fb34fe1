/**
 * Map definitions as the kernel judges them: random definitions of every type around its limits, created with
 * BPF_MAP_CREATE. The table of `src/object/maps/` and the kernel agree on acceptance and errno; every
 * difference has its reason below, and every reason is needed.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BtfBuilder, encodeBtf } from '../../src/btf/index.ts';
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
import { E2BIG, ENOMEM, errnoName, MAP_TYPE_COUNT, mapTypeName } from '../../src/uapi/index.ts';
import { allocation, knownTypes, randomShape } from './support-maps.ts';
import { randomOf } from './support-random.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const SEED = 20261118;
const ROUNDS = 400;
const AFFORDABLE = 64 * 2 ** 20;

describe.skipIf(reason !== undefined)(`like the kernel`, () => {
  const machine = mapMachine();
  const types = knownTypes();
  const btfFd = tryLoadBtf(kernel, encodeBtf(types.btf, HOST_ORDER));
  const known = Array.from({ length: MAP_TYPE_COUNT - 1 }, (_, index) => index + 1).filter(
    type => probeMapType(kernel, type).state !== 'no',
  );
  function specOf(shape: MapShape): MapSpec {
    const typed = shape.keyType !== 0 || shape.valueType !== 0;
    return {
      name: 'rule',
      ...shape,
      ...(typed ? { btfFd, keyTypeId: shape.keyType, valueTypeId: shape.valueType } : {}),
    };
  }
  function create(shape: MapShape): number {
    let innerMapFd: number | undefined;
    if (shape.inner !== null) {
      innerMapFd = tryCreateMap(kernel, specOf(shape.inner));
      if (innerMapFd < 0) return -innerMapFd;
    }
    const fd = tryCreateMap(kernel, {
      ...specOf(shape),
      ...(innerMapFd === undefined ? {} : { innerMapFd }),
    });
    if (innerMapFd !== undefined) kernel.syscall('close', innerMapFd);
    if (fd < 0) return -fd;
    kernel.syscall('close', fd);
    return 0;
  }
  test.each(known.map(type => [mapTypeName(type), type] as const))('%s', (_name, type) => {
    const random = randomOf(SEED + type);
    const differences: unknown[] = [];
    let [taken, refused, skipped] = [0, 0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const shape = randomShape(type, types, random);
      const reasons = mapRefusals(shape, machine);
      if (reasons.length === 0 && allocation(shape, machine) > AFFORDABLE) {
        skipped++;
        continue;
      }
      const errno = create({ ...shape });
      const typed = shape.keyType !== 0 || shape.valueType !== 0;
      const typesProblem = typed ? typesRefusal(shape, types.btf) : undefined;
      if (shape.keyType !== 0 && shape.valueType === 0) {
        if (errno !== 22) differences.push({ errno });
      } else if (reasons.length === 0 && typesProblem !== undefined) {
        if (errno === 0) differences.push({ shape, typesProblem, errno });
      } else if (errno !== (reasons[0]?.errno ?? 0))
        differences.push({
          ...shape,
          errno: errnoName(errno),
          reasons: reasons.map(r => `${errnoName(r.errno)} ${r.message}`),
        });
      if (errno === 0) taken++;
      else refused++;
    }
    for (const d of differences.slice(0, 6))
      console.log(JSON.stringify(d, (k, v) => (typeof v === 'bigint' ? String(v) : v)));
    console.log(_name, taken, refused, skipped, differences.length);
    expect(differences.slice(0, 5)).toEqual([]);
  });
});
