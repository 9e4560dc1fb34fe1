import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { returning } from '../../hooks/testing.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../../kernel/testing.ts';
import { readObject } from '../../object/read/read.ts';
import { BPF_PROG_TYPE_SOCKET_FILTER } from '../../uapi/program-types.ts';
import { loadObject } from '../load.ts';
import { findTarget, readProgramTypes } from './program-functions.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const read = (path: string) =>
  readObject({ name: path, bytes: readFileSync(join(import.meta.dirname, '..', path)) });

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('functions of a program, in the order of its instructions', () => {
    const before = countFds();
    {
      using object = loadObject(read('../../examples/obj/el/rootlet.bpf.o'), kernel);
      const program = object.program('rootlet');
      const { functions } = readProgramTypes(program);
      expect(functions.map(({ name, linkage }) => [name, linkage])).toEqual([
        ['rootlet', 'global'],
        ['dummy1', 'global'],
        ['dummy2', 'global'],
      ]);
      expect(functions[0]?.insnOffset).toBe(0);
      expect(findTarget(program, 'dummy2')).toEqual({ fd: program.fd.number, btfId: functions[2]?.btfId });
      expect(() => findTarget(program, 'dummy3')).toThrow(
        'has no function "dummy3"; it has: "rootlet", "dummy1", "dummy2"',
      );
    }
    expect(countFds()).toBe(before);
  });

  test('static functions are not targets', () => {
    using object = loadObject(read('../../examples/obj/el/second_firewall.bpf.o'), kernel);
    expect(() => findTarget(object.program('xdp_prog2'), 'destination_port')).toThrow(
      expect.objectContaining({
        code: 'load-target-function',
        message: expect.stringContaining('is static and cannot be replaced'),
      }),
    );
  });

  test('a program without types has no functions to replace', () => {
    using program = returning(kernel, 'plain', [BPF_PROG_TYPE_SOCKET_FILTER]);
    expect(() => readProgramTypes(program)).toThrow(
      expect.objectContaining({ code: 'kernel-program-types' }),
    );
  });
});
