/**
 * Chains against the hook: which members run for a packet, and whether it goes on, when the members are
 * attached one after the other and when their chain is attached alone. Where a hook takes one program, the
 * members are run one after the other. ROOTLET_RUNS sets how many chains of each sort, ROOTLET_SEED the first seed.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementAt } from '../../src/bytes/index.ts';
import { hooksForTests, TwoNamespaces } from '../../src/hooks/testing.ts';
import { attachCgroup, attachTcx } from '../../src/kernel/hooks/hooks.ts';
import { TcFilter } from '../../src/kernel/hooks/tc.ts';
import { relinkChain } from '../../src/link/relink-chain.ts';
import { loadObject } from '../../src/load/load.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import * as uapi from '../../src/uapi/index.ts';
import { createMachine } from '../../src/vm/run/machine.ts';
import { compiled } from '../e2e/dynamic/support.ts';
import { SeededRandom } from '../hostile/random.ts';
import { needs } from '../support/needs.ts';

const { ROOTLET_RUNS, ROOTLET_SEED } = process.env;
const COUNT = Number(ROOTLET_RUNS ?? 8);
const FIRST_SEED = Number(ROOTLET_SEED ?? 1);
const { kernel, missing } = hooksForTests();
const clang = needs('clang');
const reason = missing ?? clang.reason;

const SORTS = {
  tcx: { section: 'tcx/egress', context: '__sk_buff', values: [-1, 0, 1, 2, 3, 5, 77] },
  tc: { section: 'tc', context: '__sk_buff', values: [-1, 0, 1, 2, 3, 4, 5, 6, 77] },
  cgroup: { section: 'cgroup_skb/egress', context: '__sk_buff', values: [0, 1, 1, 2, 3] },
  xdp: { section: 'xdp', context: 'xdp_md', values: [0, 1, 2, 2, 2, 3, 9] },
  socket: { section: 'socket', context: '__sk_buff', values: [0, 1, 40, -1] },
} as const;
type Sort = keyof typeof SORTS;

const sourceOf = (sort: Sort, value: number): string => `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
__u32 ran;
SEC("${SORTS[sort].section}") int prog(struct ${SORTS[sort].context} *ctx) { ran = 1; return ${value}; }
char _license[] SEC("license") = "GPL";`;

const sources = Object.fromEntries(
  Object.keys(SORTS).flatMap(name => {
    const sort = name as Sort; // keys of the table
    return SORTS[sort].values.map(value => [`${sort}${value}`, sourceOf(sort, value)]);
  }),
);

/** Which members ran, in order, and the outcome as far as it can be seen. */
interface Observed {
  readonly ran: readonly boolean[];
  readonly outcome: number | string | null;
}

interface Members {
  readonly values: readonly number[];
  readonly objects: readonly BpfObject[];
}

describe.skipIf(reason !== undefined)(
  `chains do what the hook does${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const objects: Readonly<Record<string, BpfObject>> = reason === undefined ? compiled(sources) : {};
    const names = reason === undefined ? new TwoNamespaces(kernel, 'chains') : undefined;
    const cgroups = mkdtempSync(join(tmpdir(), 'rootlet-cgroup-'));
    const group = join(cgroups, `rootlet-chains-${process.pid}`);
    beforeAll(() => {
      execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', cgroups]);
      mkdirSync(group);
      names?.ip('-n', names.near, 'link', 'set', 'lo', 'up');
      names?.tc('qdisc', 'add', 'dev', 'lo', 'clsact');
    });
    afterAll(() => {
      rmdirSync(group);
      execFileSync('umount', [cgroups]);
      rmdirSync(cgroups);
      names?.close();
    });

    function members(sort: Sort, seed: number): Members {
      const random = new SeededRandom(seed);
      const { values } = SORTS[sort];
      const chosen = Array.from({ length: 1 + random.below(4) }, () =>
        elementAt(values, random.below(values.length)),
      );
      const found = chosen.map(value => objects[`${sort}${value}`]).filter(object => object !== undefined);
      return { values: chosen, objects: found };
    }

    function chainOf({ objects: parts }: Members): {
      readonly object: BpfObject;
      readonly flags: readonly string[];
    } {
      const result = relinkChain(parts.map((component, at) => ({ component, instance: String(at) })));
      if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
      const flags = parts.map((part, at) => {
        const own = result.report.globals.find(
          ({ originalName, owner }) => originalName === 'ran' && owner === `${part.name}#${at}`,
        );
        if (own === undefined) throw new Error('no flag');
        return own.name;
      });
      return { object: readObject({ name: 'chain.o', bytes: writeObject(result.object) }), flags };
    }

    /** A process of the cgroup sends one packet to itself, in the near namespace. */
    function send(): string {
      const line = `echo $$ > ${group}/cgroup.procs && echo x > /dev/udp/127.0.0.1/9`;
      const { status } = spawnSync('ip', ['netns', 'exec', names?.near ?? '', 'bash', '-c', line], {
        stdio: 'ignore',
      });
      return status === 0 ? 'sent' : 'refused';
    }

    /** Attaches the programs in order, sends, and detaches. */
    function attached(
      sort: Sort,
      parts: readonly { readonly object: BpfObject; readonly program: string }[],
      flags: readonly (readonly [part: number, name: string])[],
    ): Observed {
      const opened: { close(): void }[] = [];
      try {
        const loaded = parts.map(({ object }) => loadObject(object, kernel));
        opened.push(...loaded);
        loaded.forEach((one, at) => {
          opened.push(attach(sort, one.program(elementAt(parts, at).program).fd.number, at));
        });
        const outcome = send();
        return {
          ran: flags.map(([part, name]) => elementAt(loaded, part).variables.get(name) === 1),
          outcome,
        };
      } finally {
        for (const one of opened.reverse()) one.close();
      }
    }

    function attach(sort: Sort, fd: number, at: number): { close(): void } {
      if (sort === 'cgroup') return attachCgroup(kernel, fd, group, uapi.BPF_CGROUP_INET_EGRESS);
      if (names === undefined) throw new Error('no namespaces');
      if (sort === 'tcx') return names.inside(() => attachTcx(kernel, fd, 'lo', 'egress'));
      const options = { direction: 'egress', priority: at + 1 } as const;
      const filter = names.inside(() => TcFilter.attach(kernel, fd, 'lo', options));
      return { close: () => void names.inside(() => filter.remove()) };
    }

    const seeds = Array.from({ length: COUNT }, (_, at) => FIRST_SEED + at);
    describe.each(['tcx', 'tc', 'cgroup'] as const)('%s', sort => {
      test.each(seeds)('seed %i', seed => {
        const parts = members(sort, seed);
        const apart = attached(
          sort,
          parts.objects.map(object => ({ object, program: 'prog' })),
          parts.objects.map((_, at) => [at, 'ran']),
        );
        const { object, flags } = chainOf(parts);
        const chain = attached(
          sort,
          [{ object, program: 'chain' }],
          flags.map(name => [0, name]),
        );
        expect({ values: parts.values, ...chain }).toEqual({ values: parts.values, ...apart });
      });
    });

    describe.each(['xdp', 'socket'] as const)('%s, one after the other', sort => {
      test.each(seeds)('seed %i', seed => {
        const parts = members(sort, seed);
        const packet = new Uint8Array(64);
        const goesOn = (value: number): boolean => (sort === 'xdp' ? value === 2 : value !== 0);
        const end = parts.values.findIndex(value => !goesOn(value));
        const last = end < 0 ? parts.values.length - 1 : end;
        const verdict = createMachine(elementAt(parts.objects, last)).run(packet).verdict;
        const { object, flags } = chainOf(parts);
        expect(createMachine(object).run(packet).verdict).toBe(verdict);
        using loaded = loadObject(object, kernel);
        expect(loaded.testRun('chain', packet).verdict).toBe(verdict);
        expect(flags.map(name => loaded.variables.get(name) === 1)).toEqual(
          parts.values.map((_, at) => at <= last),
        );
      });
    });
  },
);
