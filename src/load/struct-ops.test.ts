import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Attachment } from '../kernel/attachment.ts';
import type { Sys } from '../kernel/sys.ts';
import { FakeSys } from '../kernel/sys-fake.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read.ts';
import { attachOperations, replaceOperations } from './attach.ts';
import { openKernelTypes } from './kernel-types.ts';
import { loadObject, prepareLoad } from './load.ts';
import { findOperations } from './struct-ops.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const read = (name: string) =>
  readObject(readFileSync(join(import.meta.dirname, 'testdata/obj/el', `${name}.bpf.o`)), `${name}.bpf.o`);
const OPERATIONS = read('operations');
const available = () => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8');

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('tables are maps behind all others; what only a "?" section or an absent member names is not loaded', () => {
    const { plan } = prepareLoad(OPERATIONS, kernel);
    expect(plan.maps.map(({ name, kernelName }) => [name, kernelName])).toEqual([
      ['written', 'written'],
      ['linked', 'linked'],
      ['flavoured', 'flavoured'],
    ]);
    expect(plan.maps.map(map => map.flags)).toEqual([0, 8192, 8192]);
    expect(plan.programs.map(program => program.name)).toEqual(['ssthresh', 'cong_avoid', 'undo_cwnd']);
    const members = plan.programs.map(program => program.type.expectedAttachType);
    expect(new Set(members).size).toBe(3); // each its own member of the kernel's type
    expect(plan.programs.map(program => program.attach?.member)).toEqual(members);
  });

  test('values are laid out as the kernel lays them out, whatever the order here', () => {
    const { tables } = findOperations(OPERATIONS, openKernelTypes(kernel));
    const [written, linked, flavoured] = tables.map(table => table.operations);
    const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString('latin1');
    expect(text(linked?.value)).toContain('rootlet_two');
    expect(flavoured?.value).toEqual(linked?.value);
    expect([...(flavoured?.programs ?? [])].sort((a, b) => a.offset - b.offset)).toEqual(
      [...(linked?.programs ?? [])].sort((a, b) => a.offset - b.offset),
    );
    expect(written?.value.filter(byte => byte === 1)).toHaveLength(1); // .flags
  });

  test('a table without a link is registered until it is closed, and cannot be replaced or pinned', () => {
    const before = countFds();
    {
      using object = loadObject(OPERATIONS, kernel);
      using attached = attachOperations(object, 'written');
      expect(available()).toContain('rootlet_one');
      expect(() => attached.pin('/nowhere')).toThrow(/cannot be pinned.*struct_ops.link/s);
      expect(() => attached.update(3)).toThrow(expect.objectContaining({ code: 'kernel-attachment' }));
    }
    expect(available()).not.toContain('rootlet_one');
    expect(countFds()).toBe(before);
  });

  test('a table with a link is replaced by another in one step', () => {
    using object = loadObject(OPERATIONS, kernel);
    const attached = attachOperations(object, 'linked');
    if (!(attached instanceof Attachment)) throw new Error('not a link');
    const programs = () => attached.info().words[0];
    expect(available()).toContain('rootlet_two');
    expect(programs()).toBe(object.map('linked').info().id);
    replaceOperations(attached, object, 'flavoured');
    expect(programs()).toBe(object.map('flavoured').info().id);
    expect(available()).toContain('rootlet_two');
    attached.close();
    expect(available()).not.toContain('rootlet_two');
  });

  test('names that are no tables are refused', () => {
    using object = loadObject(read('globals'), kernel, { pinRoot: null });
    expect(() => attachOperations(object, '.bss')).toThrow(
      expect.objectContaining({ code: 'load-no-operations' }),
    );
  });

  test('an operation that is in no table is named before the kernel is asked', () => {
    const options = {
      operations: { ...findOperations(OPERATIONS, openKernelTypes(kernel)), unused: new Set<string>() },
    };
    expect(() => prepareLoad(OPERATIONS, kernel, options)).toThrow(
      /program "unheard_of": is an operation, but in no table of operations/,
    );
  });

  test('operations that the kernel does not know', () => {
    const path = join(import.meta.dirname, '../../test/cases/struct-ops/obj/el/a.bpf.o');
    const before = countFds();
    expect(() => loadObject(readObject(readFileSync(path), 'a.bpf.o'), kernel)).toThrow(
      'a.bpf.o: operations "ops_a": this kernel has no operations "rootlet_ops"',
    );
    expect(countFds()).toBe(before);
  });
});
