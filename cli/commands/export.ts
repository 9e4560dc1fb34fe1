/** `rootlet export`: documents that declare what runs. */

import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import { encodeText } from '../../src/bytes/index.ts';
import type { ChainHook, DesignMember } from '../../src/chain/index.ts';
import {
  type ChainContext,
  type ChainKind,
  exportChain,
  findChainHook,
  listChains,
  readRunning,
} from '../../src/chain/index.ts';
import { asLines, quote } from '../../src/diag/index.ts';
import { readRegular } from '../../src/kernel/index.ts';
import { sameBytes } from '../../src/state/index.ts';
import { off, text } from '../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { type Context, guarded, print, printJson, tellLine } from '../io/context.ts';
import { writeOutput } from '../io/files.ts';
import { chainContext } from './chain/hook.ts';

interface Flags extends StoreFlags {
  readonly objects?: string;
  readonly out?: string;
  readonly json: boolean;
}

export const exportCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Print documents that declare the chains that run',
    fullDescription:
      'Print one document for each hook that has a chain, of all interfaces or of those named. Applying them changes ' +
      'nothing. Object files are named by the paths that they were loaded from; --objects writes those that are gone, ' +
      'or have other contents now.',
  },
  parameters: {
    flags: {
      objects: {
        ...text,
        brief: 'Write object files that are gone or changed into DIR',
        placeholder: 'DIR',
      },
      out: { ...text, brief: 'Write the documents to FILE', placeholder: 'FILE' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    aliases: { o: 'out' },
    positional: {
      kind: 'array',
      parameter: { brief: 'Name of an interface (default: all)', parse: String, placeholder: 'IFACE' },
    },
  },
  async func(flags, ...names) {
    await guarded(this, flags.json, () => {
      const context = chainContext(this, flags, false);
      const files = new ObjectFiles(flags.objects);
      const exported = hooksOf(context, names).flatMap(hook => {
        const { state, design } = readRunning(context, hook);
        if (state.kind !== 'chain') return [];
        return [exportChain(state, design, member => files.pathOf(hook, member))];
      });
      const notes = [...exported.flatMap(one => one.notes), ...files.notes];
      if (flags.json) {
        printJson(this, { ok: true, documents: exported.map(one => one.document), notes });
        return;
      }
      for (const note of notes) tellLine(this, `rootlet: warning: ${note}`);
      const all = exported.map(one => one.text).join('');
      if (flags.out !== undefined) writeOutput(flags.out, encodeText(all), true);
      else if (all !== '') print(this, asLines(all));
      if (all === '') tellLine(this, 'rootlet: note: there are no chains');
    });
  },
});

const KINDS: readonly (readonly [ChainKind, ChainHook['direction']])[] = [
  ['xdp', null],
  ['tc', 'ingress'],
  ['tc', 'egress'],
];

/** All hooks of the named interfaces, or those of all interfaces that have chains. */
function hooksOf(context: ChainContext, names: readonly string[]): ChainHook[] {
  if (names.length > 0)
    return [...new Set(names)].flatMap(name =>
      KINDS.map(([kind, direction]) => findChainHook(context.sys, name, kind, direction)),
    );
  const states = [...listChains(context, 'xdp'), ...listChains(context, 'tc')];
  return states.flatMap(({ kind, hook }) => (kind === 'chain' ? [hook] : []));
}

/** Where the object files of members are. */
class ObjectFiles {
  readonly notes: string[] = [];
  readonly #directory: string | undefined;
  readonly #written = new Map<string, Uint8Array>();

  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  /** The file that it was loaded from, or one that is written now. */
  pathOf(hook: ChainHook, { name, file }: DesignMember): string {
    if (file === null) return '';
    const path = resolve(file.path ?? file.name);
    if (hasContents(path, file.bytes)) return path;
    if (this.#directory !== undefined) return this.#write(this.#directory, name, file.bytes);
    const what = existsSync(path) ? 'has other contents now' : 'is gone';
    const where = `${hook.kind} on ${hook.interface}`;
    this.notes.push(
      `${quote(path)} of member ${quote(name)} (${where}) ${what}: --objects DIR writes what runs`,
    );
    return path;
  }

  /** Members of one name on several hooks may have different files. */
  #write(directory: string, name: string, bytes: Uint8Array): string {
    mkdirSync(directory, { recursive: true });
    for (let number = 1; ; number++) {
      const path = resolve(join(directory, number === 1 ? `${name}.o` : `${name}-${number}.o`));
      const known = this.#written.get(path);
      if (known === undefined && !hasContents(path, bytes)) {
        if (existsSync(path)) continue;
        writeOutput(path, bytes, true);
      } else if (known !== undefined && !sameBytes(known, bytes)) continue;
      this.#written.set(path, bytes);
      return path;
    }
  }
}

function hasContents(path: string, bytes: Uint8Array): boolean {
  try {
    return sameBytes(readRegular(path), bytes);
  } catch {
    return false; // gone, not readable, or no file any more
  }
}
