/** `rootlet inspect`: what is in an object. */

import { buildCommand } from '@stricli/core';
import { formatBtfAsC } from '../../src/btf/index.ts';
import {
  asLines,
  counted,
  formatProblem,
  joinBlocks,
  type Lines,
  line,
  ProblemList,
} from '../../src/diag/index.ts';
import { type Inspection, inspect } from '../../src/link/index.ts';
import { type BpfObject, readObject } from '../../src/object/index.ts';
import { disassembleObject } from '../format/disassembly.ts';
import { table } from '../format/table.ts';
import { type Context, guarded, print, printJson, tellProblem } from '../io/context.ts';
import { readInput } from '../io/files.ts';

interface Flags {
  readonly json: boolean;
  readonly btf: boolean;
  readonly disasm: boolean;
}

export const inspectCommand = buildCommand<Flags, [string], Context>({
  docs: { brief: 'Show programs, functions, maps, variables, externs and types of an object' },
  parameters: {
    flags: {
      json: { kind: 'boolean', default: false, brief: 'Output JSON' },
      btf: { kind: 'boolean', default: false, brief: 'Print types as C' },
      disasm: {
        kind: 'boolean',
        default: false,
        brief: 'Disassemble code, with source lines and symbol names',
      },
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'Object file', parse: String, placeholder: 'FILE' }] },
  },
  async func(flags, path) {
    await guarded(this, flags.json, () => {
      const found = new ProblemList();
      const object = readObject(readInput(path), { onProblems: problems => found.add(problems) });
      if (flags.btf || flags.disasm) {
        print(this, flags.disasm && !flags.btf ? disassembleObject(object) : typesOf(object));
        for (const problem of found.all) tellProblem(this, problem);
        return;
      }
      const inspection = inspect(object);
      found.add(inspection.problems);
      const complete = { ...inspection, problems: found.all };
      if (flags.json) printJson(this, { ok: true, ...complete });
      else print(this, formatInspection(object, complete));
    });
  },
});

function typesOf({ btf }: BpfObject): Lines {
  return btf === null ? line('') : asLines(formatBtfAsC(btf));
}

function formatInspection(object: BpfObject, inspection: Inspection): Lines {
  const types = object.btf === null ? 'no BTF' : `${object.btf.count} BTF types`;
  const head = `${inspection.name}: ${inspection.byteOrder}-endian BPF object, license ${inspection.license ?? 'not stated'}, ${types}`;
  const blocks = [
    block(
      'programs',
      inspection.programs.map(entry => [
        entry.declaration,
        entry.section,
        entry.programType ?? 'unknown type',
        `${entry.insns} insns`,
      ]),
    ),
    block(
      'functions',
      inspection.functions.map(entry => [
        entry.declaration,
        entry.section,
        bindingText(entry),
        `${entry.insns} insns`,
      ]),
    ),
    block(
      'maps',
      inspection.maps.map(entry => [
        entry.name,
        entry.type ?? '?',
        `key ${entry.keySize ?? '?'}`,
        `value ${entry.valueSize ?? '?'}`,
        entry.maxEntries === null ? '? entries' : counted(entry.maxEntries, 'entry'),
      ]),
    ),
    block(
      'variables',
      inspection.variables.map(entry => [
        entry.declaration,
        entry.section,
        bindingText(entry),
        `${entry.size} bytes`,
      ]),
    ),
    block(
      'externs',
      inspection.externs.map(entry => [entry.declaration, entry.section]),
    ),
    block(
      'sections',
      inspection.sections.map(entry => [entry.name, `${entry.size} bytes`, `align ${entry.align}`]),
    ),
    block(
      'notes',
      inspection.notes.map(note => [note]),
    ),
    block(
      'problems',
      inspection.problems.map(problem => [formatProblem(problem)]),
    ),
  ];
  return joinBlocks([line(head), ...blocks.filter(text => text !== '')]);
}

function bindingText(symbol: { readonly binding: string; readonly visibility: string }): string {
  const binding = symbol.binding === 'local' ? 'static' : symbol.binding;
  return symbol.visibility === 'hidden' ? `${binding}, hidden` : binding;
}

function block(title: string, rows: readonly (readonly string[])[]): Lines {
  return rows.length === 0 ? line('') : joinBlocks([line(`${title}:`), table(rows, '  ')]);
}
