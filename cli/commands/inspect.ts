/** `rootlet inspect`: what is in an object. */

import { buildCommand } from '@stricli/core';
import { formatBtfAsC } from '../../src/btf/index.ts';
import { given } from '../../src/bytes/index.ts';
import { asLines, type Limits, type Lines, line, ProblemList, usageError } from '../../src/diag/index.ts';
import { inspect, listObject } from '../../src/link/index.ts';
import { type BpfObject, callPicture, flowPicture, readObject } from '../../src/object/index.ts';
import type { Picture } from '../../src/picture/index.ts';
import { graphFlag } from '../flags/graph.ts';
import { text } from '../flags/kinds.ts';
import { INSPECT_LIMITS, type LimitFlags, limitsFlag, parseLimits } from '../flags/limits.ts';
import { disassembleObject } from '../format/disassembly.ts';
import { formatListing } from '../format/listing.ts';
import { type Context, guarded, print, printAll, printJson, tellProblem } from '../io/context.ts';
import { readInput, requireDistinct, requireNoInput } from '../io/files.ts';
import { openPicture } from '../io/picture.ts';

interface Flags extends LimitFlags {
  readonly json: boolean;
  readonly btf: boolean;
  readonly disasm: boolean;
  readonly graph?: string;
  readonly function?: string;
}

export const inspectCommand = buildCommand<Flags, [string], Context>({
  docs: { brief: 'List programs, maps, variables and externs of an object' },
  parameters: {
    flags: {
      json: { kind: 'boolean', default: false, brief: 'Output JSON' },
      btf: { kind: 'boolean', default: false, brief: 'Print types as C' },
      disasm: {
        kind: 'boolean',
        default: false,
        brief: 'Disassemble code, with source lines and symbol names',
      },
      graph: graphFlag('the call graph, or with --function the control flow of one function,'),
      function: {
        ...text,
        brief: 'With --graph: draw the blocks of this function, with --disasm also its instructions',
        placeholder: 'NAME',
      },
      ...limitsFlag(INSPECT_LIMITS),
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'Object file', parse: String, placeholder: 'FILE' }] },
  },
  async func(flags, path) {
    await guarded(this, flags.json, async () => {
      checkFlags(flags, path);
      const write = flags.graph === undefined ? undefined : await openPicture(flags.graph);
      const found = new ProblemList();
      const limits = parseLimits(flags, INSPECT_LIMITS);
      const object = readObject(readInput(path), {
        onProblems: problems => found.add(problems),
        ...given({ limits }),
      });
      if (write !== undefined) {
        write(this, pictureOf(object, flags, limits));
        for (const problem of found.all) tellProblem(this, problem);
        if (flags.json) printJson(this, { ok: true, graph: flags.graph, problems: found.all });
        return;
      }
      if (flags.btf || flags.disasm) {
        if (flags.disasm && !flags.btf) printAll(this, disassembleObject(object));
        else print(this, typesOf(object, limits));
        for (const problem of found.all) tellProblem(this, problem);
        return;
      }
      if (flags.json) {
        const inspection = inspect(object);
        found.add(inspection.problems);
        printJson(this, { ok: true, ...inspection, problems: found.all });
        return;
      }
      const listing = listObject(object);
      found.add(listing.overview.problems);
      printAll(this, formatListing(object, listing, found.all));
    });
  },
});

/** Refuses what has no meaning together, before anything is read. */
function checkFlags({ graph, function: name, btf, json }: Flags, path: string): void {
  if (graph === undefined) {
    if (name === undefined) return;
    throw usageError('usage-picture', '--function needs --graph FILE', {
      hint: 'as in --graph flow.svg --function NAME',
    });
  }
  if (btf) throw usageError('usage-picture', '--graph and --btf print different things: give one of them');
  requireDistinct([graph, json ? '-' : undefined]);
  requireNoInput(graph, [path]);
}

function pictureOf(object: BpfObject, flags: Flags, limits: Limits | undefined): Picture {
  return flags.function === undefined
    ? callPicture(object, limits)
    : flowPicture(object, flags.function, { disassemble: flags.disasm, limits });
}

function typesOf({ btf }: BpfObject, limits: Limits | undefined): Lines {
  return btf === null ? line('') : asLines(formatBtfAsC(btf, given({ limits })));
}
