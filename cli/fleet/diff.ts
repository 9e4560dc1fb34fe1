/** The body of `rootlet fleet diff`. */

import { joinLines } from '../../src/diag/index.ts';
import {
  type DifferentLine,
  differentLines,
  hunks,
  type Revision,
  readCurrent,
  requireRevision,
} from '../../src/fleet/index.ts';
import type { DiffFlags } from '../flags/fleet-commands.ts';
import { type Context, print, printJson } from '../io/context.ts';
import { readInput } from '../io/files.ts';
import { withFleet } from './context.ts';
import { revisionOrNewest } from './get.ts';

const CONTEXT_LINES = 3;

export async function diff(
  context: Context,
  flags: DiffFlags,
  before: number | undefined,
  after: number | undefined,
): Promise<void> {
  const { file } = flags;
  const [from, to] = await withFleet(context, flags, async fleet => {
    const { stable } = (await readCurrent(fleet)).target;
    const isFile = file !== undefined;
    const first = before ?? (isFile || stable === 0 ? undefined : stable);
    const old = first === undefined && !isFile ? NOTHING_YET : await revisionOrNewest(fleet, first);
    if (isFile) return [sideOf(old), fileSide(file)] as const;
    return [
      sideOf(old),
      sideOf(
        after === undefined ? await revisionOrNewest(fleet, undefined) : await requireRevision(fleet, after),
      ),
    ] as const;
  });
  const lines = differentLines(from.text, to.text);
  const changed = lines.filter(({ kind }) => kind !== 'same');
  if (flags.json) printJson(context, { ok: true, from: from.name, to: to.name, changed });
  else if (changed.length > 0)
    print(
      context,
      joinLines([`--- ${from.name}`, `+++ ${to.name}`, ...hunks(lines, CONTEXT_LINES).map(spell)]),
    );
}

interface Side {
  readonly name: string;
  readonly text: string;
}

const NOTHING_YET = { revision: 0, document: '', objects: [] };

/** Documents, then what their objects are by digest, as a comment. */
function sideOf({ revision, document, objects }: Pick<Revision, 'revision' | 'document' | 'objects'>): Side {
  const pins = objects.map(({ file, digest }) => `# ${file} is ${digest}\n`);
  return { name: `revision ${revision}`, text: `${document.replace(/\n?$/, '\n')}${pins.join('')}` };
}

/** Digests of a file are looked up when it is put: they are not compared. */
function fileSide(path: string): Side {
  const { name, bytes } = readInput(path);
  return { name, text: Buffer.from(bytes).toString('utf8') };
}

function spell(line: DifferentLine | null): string {
  if (line === null) return '@@';
  return `${{ same: ' ', removed: '-', added: '+' }[line.kind]}${line.text}`;
}
