/** `rootlet inspect`: what is in an object. */

import { buildCommand } from '@stricli/core';
import { formatBtfAsC } from '../../src/btf/index.ts';
import { type Inspection, inspect } from '../../src/link/index.ts';
import type { BpfObject } from '../../src/object/index.ts';
import { disassembleObject } from '../format/disassembly.ts';
import { table } from '../format/table.ts';
import { type Context, guarded, print, printJson } from '../io/context.ts';
import { readObjectFile } from '../io/files.ts';

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
      const { object } = readObjectFile(path);
      if (flags.btf) print(this, object.btf === null ? '' : formatBtfAsC(object.btf));
      else if (flags.disasm) print(this, disassembleObject(object));
      else if (flags.json) printJson(this, { ok: true, ...inspect(object) });
      else print(this, formatInspection(object, inspect(object)));
    });
  },
});

function formatInspection(object: BpfObject, inspection: Inspection): string {
  const head = `${inspection.name}: ${inspection.byteOrder}-endian BPF object, license ${inspection.license ?? 'not stated'}, ${object.btf?.count ?? 0} BTF types`;
  const blocks = [
    block(
      'programs',
      inspection.programs.map(entry => [
        entry.declaration,
        entry.section,
        entry.programType ?? '?',
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
        entry.type,
        `key ${entry.keySize}`,
        `value ${entry.valueSize}`,
        `${entry.maxEntries} entries`,
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
    ...inspection.leftOut.map(text => `note: ${text}`),
  ];
  return [head, ...blocks.filter(text => text !== '')].join('\n');
}

function bindingText(symbol: { readonly binding: string; readonly visibility: string }): string {
  const binding = symbol.binding === 'local' ? 'static' : symbol.binding;
  return symbol.visibility === 'hidden' ? `${binding}, hidden` : binding;
}

function block(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `${title}:\n${table(rows, '  ')}`;
}
