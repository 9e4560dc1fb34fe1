/** `rootlet inspect`: what is in an object. */

import { buildCommand } from '@stricli/core';
import { formatBtfAsC } from '../../src/btf/index.ts';
import { given } from '../../src/bytes/index.ts';
import { asLines, type Limits, type Lines, line, ProblemList } from '../../src/diag/index.ts';
import { inspect, listObject } from '../../src/link/index.ts';
import { type BpfObject, readObject } from '../../src/object/index.ts';
import { INSPECT_LIMITS, type LimitFlags, limitsFlag, parseLimits } from '../flags/limits.ts';
import { disassembleObject } from '../format/disassembly.ts';
import { formatListing } from '../format/listing.ts';
import { type Context, guarded, print, printAll, printJson, tellProblem } from '../io/context.ts';
import { readInput } from '../io/files.ts';

interface Flags extends LimitFlags {
  readonly json: boolean;
  readonly btf: boolean;
  readonly disasm: boolean;
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
      ...limitsFlag(INSPECT_LIMITS),
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'Object file', parse: String, placeholder: 'FILE' }] },
  },
  async func(flags, path) {
    await guarded(this, flags.json, () => {
      const found = new ProblemList();
      const limits = parseLimits(flags, INSPECT_LIMITS);
      const object = readObject(readInput(path), {
        onProblems: problems => found.add(problems),
        ...given({ limits }),
      });
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

function typesOf({ btf }: BpfObject, limits: Limits | undefined): Lines {
  return btf === null ? line('') : asLines(formatBtfAsC(btf, given({ limits })));
}
