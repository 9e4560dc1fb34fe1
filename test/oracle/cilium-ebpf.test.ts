/**
 * Results of linking and re-linking, read and loaded by cilium/ebpf (Go) as Debian packages it: a third reader of BPF
 * objects beside libbpf and LLVM, with rules of its own.
 *
 * Version 0.9 is older than some of what objects may contain. `BEYOND_IT` lists what; there the results must
 * fail with exactly that message, so the list cannot become stale.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { relink } from '../../src/link/relink.ts';
import { inspect } from '../../src/link/report/inspect.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { follow, readCases } from '../support/case-files.ts';
import type { Recipe } from '../support/directives.ts';
import { findCommand, needs } from '../support/needs.ts';

const SOURCE = fileURLToPath(new URL('readers/cilium.go', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../examples/obj/el/', import.meta.url));
const XDP_TOOLS = '/usr/lib/x86_64-linux-gnu/bpf';
/** Where Debian puts Go libraries. */
const GO_PATH = '/usr/share/gocode';

interface Seen {
  readonly path: string;
  readonly error?: string;
  readonly loaded: boolean;
  readonly programs: readonly { readonly name: string; readonly section: string; readonly license: string }[];
  readonly maps: readonly {
    readonly name: string;
    readonly keySize: number;
    readonly valueSize: number;
    readonly maxEntries: number;
    readonly flags: number;
  }[];
}

/** What this version does not know: name of the case or object → part of its message. */
const BEYOND_IT: ReadonlyMap<string, RegExp> = new Map([
  ['arena: ', /reference to "\w*" in section .*: not supported/],
  ['custom-sections: ', /reference to "\w*" in section .*: not supported/],
  ['decl-tags: ', /unknown kind: Unknown \(17\)/],
  ['kernel-externs: ', /reference to \.ksyms: not supported/],
  ['license-reference: ', /reference to "\w*" in section .*: not supported/],
  ['relink-same-names: relink rootlet slot2=a', /call: slot1: unsupported binding: STB_WEAK/],
  ['relink-same-names: relink rootlet', /call: slot1: unsupported binding: STB_WEAK/],
  ['relink-tail-calls: relink rootlet slot1=b:prog', /call: slot2: unsupported binding: STB_WEAK/],
  ['static-maps: ', /possible erroneous static qualifier on map definition/],
  ['strings: ', /string is not stack allocated: not supported/],
  ['weak-variable-moves: link -r a weak', /direct load: moved: unsupported object relocation STB_WEAK/],
  ['undefined: ', /data section \.maps: missing size/],
]);

/** Entries of `BEYOND_IT` that end in a space are whole cases. */
function beyondIt(name: string): RegExp | undefined {
  return BEYOND_IT.get(name) ?? BEYOND_IT.get(`${name.slice(0, name.indexOf(' '))} `);
}

interface Subject {
  readonly name: string;
  readonly object: BpfObject;
}

function subjects(): Subject[] {
  return [...caseResults(), ...chains()];
}

function caseResults(): Subject[] {
  return readCases().flatMap(one =>
    one.blocks.flatMap(block =>
      block.recipes.flatMap((recipe): Subject[] => {
        const outcome = follow(recipe, one.name, 'el');
        return outcome.ok
          ? [{ name: `${one.name}: ${wordOf(recipe)} ${recipe.text}`, object: outcome.object }]
          : [];
      }),
    ),
  );
}

function wordOf(recipe: Recipe): string {
  return recipe.kind === 'link' && recipe.partial ? 'link -r' : recipe.kind;
}

/** The example's rootlet with its own firewalls, and with each of Debian's XDP programs beside the first. */
function chains(): Subject[] {
  const load = (file: string) => ({ name: path.basename(file), bytes: readFileSync(file) });
  const rootlet = load(`${EXAMPLES}rootlet.bpf.o`);
  const first = { slot: 'dummy1', component: load(`${EXAMPLES}first_firewall.bpf.o`) };
  const others = [
    `${EXAMPLES}second_firewall.bpf.o`,
    ...readdirSync(XDP_TOOLS)
      .filter(name => /^(xdpfilt|xdpdump_xdp|xsk_def)/.test(name))
      .sort()
      .map(name => path.join(XDP_TOOLS, name)),
  ];
  return others.flatMap((file): Subject[] => {
    const result = relink(rootlet, [first, { slot: 'dummy2', component: load(file) }]);
    return result.ok ? [{ name: `chain with ${path.basename(file)}`, object: result.object }] : [];
  });
}

function buildReader(directory: string): string {
  const reader = path.join(directory, 'reader');
  execFileSync(findCommand('go') ?? 'go', ['build', '-o', reader, SOURCE], {
    env: {
      ...process.env,
      GO111MODULE: 'off',
      GOPATH: GO_PATH,
      GOFLAGS: '',
      GOCACHE: path.join(directory, 'cache'),
    },
  });
  return reader;
}

needs('go', 'xdp-tools').describe('read by cilium/ebpf', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-cilium-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const all = subjects();
  let reader = '';
  const read = (args: readonly string[], names: readonly Subject[]): Seen[] => {
    const paths = names.map(subject => {
      const file = path.join(directory, `${all.indexOf(subject)}.o`);
      writeFileSync(file, writeObject(subject.object));
      return file;
    });
    const output = execFileSync(reader, args, { input: paths.join('\n'), encoding: 'utf8' });
    // what it prints is a list of `Seen`, see readers/cilium.go
    return output
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Seen);
  };
  const seen = new Map<Subject, Seen>();
  beforeAll(() => {
    reader = buildReader(directory);
    for (const [index, view] of read([], all).entries()) {
      const subject = all[index];
      if (subject !== undefined) seen.set(subject, view);
    }
  }, 120_000);

  test('there are enough of them', () => expect(all.length).toBeGreaterThan(100));

  describe('what it sees', () => {
    test.each(all)('$name', subject => {
      const view = seen.get(subject);
      const excuse = beyondIt(subject.name);
      if (excuse !== undefined) {
        expect(view?.error ?? '').toMatch(excuse);
        return;
      }
      expect(view?.error).toBeUndefined();
      const { programs, maps, license } = inspect(subject.object);
      expect(view?.programs).toEqual(
        programs
          .map(({ name, section }) => ({ name, section, license: license ?? '', slots: expect.any(Number) }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      );
      const declared = new Map(maps.map(map => [map.name, map]));
      for (const map of view?.maps ?? []) {
        if (map.name.startsWith('.')) continue; // globals, which it counts among maps
        const { keySize, valueSize, maxEntries, flags } = declared.get(map.name) ?? {};
        const { type } = declared.get(map.name) ?? {};
        // one entry for each processor, whatever is declared
        const entries = type === 'perf_event_array' ? expect.any(Number) : maxEntries;
        expect(map).toMatchObject({ keySize, valueSize, maxEntries: entries, flags });
        declared.delete(map.name);
      }
      expect(
        [...declared.keys()].filter(name => !isStructOps(declared.get(name)?.type ?? undefined)),
      ).toEqual([]);
    });
  });

  needs('bpf').test('loads the chains into the kernel', () => {
    const loadable = all.filter(subject => subject.name.startsWith('chain with'));
    expect(loadable.length).toBeGreaterThan(5);
    for (const view of read(['-load'], loadable)) expect(view).toMatchObject({ loaded: true });
  });
});

/** It knows no struct_ops maps, and leaves them out. */
function isStructOps(type: string | undefined): boolean {
  return type === 'struct_ops';
}
