/** What is reported on a kernel without something newer, and that a kernel that has it takes the same object. */

import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import { attachTcx, attachXdp } from '../../src/kernel/hooks/hooks.ts';
import { examine } from '../../src/kernel/probes/doctor.ts';
import { link } from '../../src/link/link.ts';
import { loadObject } from '../../src/load/load.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { objectOf } from '../support/objects.ts';
import { kernelIs, sys, testBefore, testSince } from './guest/kernel.ts';
import { example } from './guest/objects.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PACKET = new Uint8Array(64);

function object(path: string): BpfObject {
  return readObject({ name: path.split('/').at(-1) ?? '', bytes: readFileSync(`${ROOT}${path}`) });
}

function linkedCase(name: string): BpfObject {
  const result = link(
    ['a', 'b'].map(file => ({
      name: `${file}.bpf.o`,
      bytes: readFileSync(`${ROOT}test/cases/${name}/obj/el/${file}.bpf.o`),
    })),
  );
  if (!result.ok) throw new RootletError(result.problems);
  return result.object;
}

/** All problems of a refusal, as text with hints. */
function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error.message;
    throw error;
  }
  throw new Error('was not refused');
}

const load = (what: BpfObject) => loadObject(what, sys, { pinRoot: null });

describe('instructions of -mcpu=v4', () => {
  testBefore('6.6', 'are named, with the way out', () => {
    const text = refusal(() => load(linkedCase('cpu-v4')));
    expect(text).toContain('program "prog_a"');
    expect(text).toContain('-mcpu=v4 needs Linux 6.6');
    expect(text).toContain('compile with -mcpu=v3');
  });

  testSince('6.6', 'run', () => {
    using loaded = load(linkedCase('cpu-v4'));
    expect(['prog_a', 'prog_b'].map(name => loaded.testRun(name, PACKET).verdict)).toEqual([42, 7]);
  });
});

describe('map types', () => {
  testBefore('6.2', 'that are missing are named', () => {
    expect(refusal(() => load(object('src/load/testdata/obj/el/maps.bpf.o')))).toMatch(
      /map "(task_storage|cgroup_storage)": creating it .*\n.*this kernel has no maps of type (task|cgrp)_storage/,
    );
  });

  testSince('6.2', 'are all there', () => {
    using loaded = load(object('src/load/testdata/obj/el/maps.bpf.o'));
    expect(loaded.map('cgroup_storage').info().valueSize).toBe(8);
  });
});

describe('functions of the kernel', () => {
  testBefore('6.3', 'that are missing are all named; weak ones are not', () => {
    const text = refusal(() => load(linkedCase('kernel-externs')));
    expect(text).toMatch(/extern "bpf_rcu_read_lock": is not a function of this kernel/);
    expect(text).toMatch(/extern "bpf_rcu_read_unlock": is not a function of this kernel/);
    expect(text).not.toContain('bpf_rootlet_missing');
    expect(text).not.toContain('CONFIG_');
  });

  testSince('6.3', 'are bound, and values of its configuration', () => {
    using loaded = load(linkedCase('kernel-externs'));
    const [major = 0, minor = 0, patch = 0] = release()
      .split('.')
      .map(part => Number.parseInt(part, 10));
    const hertz = /^CONFIG_HZ=(\d+)$/m.exec(readFileSync(`/boot/config-${release()}`, 'utf8'))?.[1];
    const version = major * 65536 + minor * 256 + Math.min(patch, 255);
    expect(loaded.testRun('prog_b', PACKET).verdict).toBe(version + Number(hertz));
  });
});

describe('attaching', () => {
  const classifier = () =>
    load(
      objectOf('tc.o', [{ name: 'prog', kind: 'function', section: 'tc', context: '__sk_buff', value: 0 }]),
    );

  testBefore('6.6', 'by tcx is refused with what works instead', () => {
    using loaded = classifier();
    expect(refusal(() => attachTcx(sys, loaded.program('prog').fd.number, 'lo', 'ingress'))).toContain(
      'tcx needs Linux 6.6; attachTc() works on older kernels',
    );
  });

  testSince('6.6', 'by tcx', () => {
    using loaded = classifier();
    using attached = attachTcx(sys, loaded.program('prog').fd.number, 'lo', 'ingress');
    expect(attached.info().programId).toBe(loaded.program('prog').info().id);
  });

  test('natively where the driver cannot', () => {
    using loaded = load(example('rootlet'));
    const text = refusal(() => attachXdp(sys, loaded.program('rootlet').fd.number, 'lo', 'native'));
    expect(text).toContain('mode "generic" works everywhere');
    using attached = attachXdp(sys, loaded.program('rootlet').fd.number, 'lo', 'generic');
    expect(attached.info().programId).toBe(loaded.program('rootlet').info().id);
  });
});

describe('doctor', () => {
  test('finds function replacement, and what this kernel is too old for', () => {
    const report = examine(sys);
    const all = [...report.features, ...report.programTypes, ...report.mapTypes, ...report.attachments];
    const stateOf = (id: string) => all.find(finding => finding.id === id)?.state;
    const found = all.map(({ id, state }) => `${id} ${state}`).join('\n');
    expect(
      report.programTypes.filter(({ state }) => state === 'unknown'),
      found,
    ).toEqual([]);
    expect(stateOf('map-type-cgrp_storage'), found).toBe(kernelIs('6.2') ? 'ok' : 'missing');
    expect(
      all.filter(({ id }) => id.includes('tcx')).map(({ state }) => state),
      found,
    ).toEqual([kernelIs('6.6') ? 'ok' : 'missing']);
  });
});
