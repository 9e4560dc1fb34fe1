/**
 * One owner of every constant: those of ELF are declared in src/elf/constants.ts, those of the kernel's
 * headers in src/uapi, those of instructions in src/isa/opcodes.ts, and nowhere else.
 */

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { shippedFiles } from '../support/shipped-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const UAPI = readdirSync(path.join(ROOT, 'src/uapi'))
  .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map(name => `src/uapi/${name}`);
const OWNERS = ['src/elf/constants.ts', 'src/isa/opcodes.ts', ...UAPI];
/** Names that only owners declare, whether they have them yet or not. The size of a record is its layout's. */
const RESERVED = /^(BPF|BTF(?!_HEADER_SIZE)|SHT|SHF|STT|STB|STV|SHN|R_BPF|EM)_/;
/** Numbers of helpers are beside their names; BPF_FS_MAGIC is of linux/magic.h. */
const RESERVED_ELSEWHERE = new Set(['src/isa/helpers.ts', 'src/kernel/sys/bpffs.ts']);

interface Constant {
  readonly name: string;
  readonly value: string;
  /**
   * Constants declared without a blank line between them have the same number: one enumeration, one set of
   * bits.
   */
  readonly block: number;
}

/** Constants that a file declares at its top level. */
function constantsOf(file: string, text: string): Constant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const constants: Constant[] = [];
  let block = 0;
  for (const statement of source.statements) {
    if (/^\s*\n\s*\n/.test(statement.getFullText())) block++;
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (!/^[A-Z][A-Z0-9_]+$/.test(name.getText())) continue;
      constants.push({ name: name.getText(), value: initializer?.getText() ?? '', block });
    }
  }
  return constants;
}

function isNumber(node: ts.Expression): boolean {
  return /^-?[0-9][0-9a-fx_]*n?$/i.test(node.getText());
}

/** Names that a file gives a value anywhere in it: variables of any scope, members of enums, numbers in objects. */
function namesIn(file: string, text: string): string[] {
  const names: string[] = [];
  const stack: ts.Node[] = [ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isVariableDeclaration(node) || ts.isEnumMember(node)) names.push(node.name.getText());
    if (ts.isPropertyAssignment(node) && isNumber(node.initializer)) names.push(node.name.getText());
    ts.forEachChild(node, child => {
      stack.push(child);
    });
  }
  return names.filter(name => /^[A-Z][A-Z0-9_]+$/.test(name)).sort();
}

/** Numbers in one spelling; other expressions as they are written. */
function sameSpelling(value: string | undefined): string | undefined {
  return value !== undefined && /^-?[0-9][0-9a-fx_]*$/i.test(value)
    ? String(Number(value.replaceAll('_', '')))
    : value;
}

const declared = new Map(shippedFiles().map(file => [file.path, constantsOf(file.path, file.text)]));
const owned = new Map(
  OWNERS.flatMap(file => (declared.get(file) ?? []).map(({ name }) => [name, file] as const)),
);

describe('constants of ELF, of the kernel and of instructions', () => {
  test('are found', () => {
    expect(owned.get('SHT_NOBITS')).toBe('src/elf/constants.ts');
    expect(owned.get('BPF_MAP_TYPE_RINGBUF')).toBe('src/uapi/map-types.ts');
    expect(owned.get('BPF_PSEUDO_CALL')).toBe('src/isa/opcodes.ts');
    expect(owned.size).toBeGreaterThan(400);
  });

  test('are declared once', () => {
    const again = shippedFiles().flatMap(({ path: file, text }) =>
      namesIn(file, text)
        .filter(name => owned.has(name) && owned.get(name) !== file)
        .map(name => `${file} declares ${name} of ${owned.get(name)}`),
    );
    expect(again).toEqual([]);
  });

  test('are declared by their owners, new ones too', () => {
    const strangers = shippedFiles()
      .filter(({ path: file }) => !OWNERS.includes(file) && !RESERVED_ELSEWHERE.has(file))
      .flatMap(({ path: file, text }) =>
        namesIn(file, text)
          .filter(name => RESERVED.test(name))
          .map(name => `${file} declares ${name}`),
      );
    expect(strangers).toEqual([]);
  });

  test.each(UAPI)('of one enumeration in %s have different values', file => {
    const seen = new Map<string, string>();
    const same = (declared.get(file) ?? [])
      .filter(({ value }) => /^-?[0-9]/.test(value))
      .flatMap(({ name, value, block }) => {
        const key = `${block} ${Number(value.replaceAll('_', ''))}`;
        const other = seen.get(key);
        seen.set(key, name);
        return other === undefined ? [] : [`${other} and ${name} are ${value}`];
      });
    expect(same).toEqual([]);
  });

  test.each(['src/uapi', 'src/elf/constants.ts'])(
    'in %s are not declared again without their prefix',
    owner => {
      const short = (name: string) => name.replace(/^(BPF_|SHT_|SHF_|STT_|STB_|R_BPF_)/, '');
      const names = new Map(
        [...owned]
          .filter(([, file]) => file.startsWith(owner))
          .map(([name, file]) => [short(name), { name, file }]),
      );
      const values = new Map([...declared.values()].flat().map(({ name, value }) => [name, value]));
      const again = [...declared].flatMap(([file, constants]) =>
        constants
          .filter(
            ({ name, value }) =>
              !OWNERS.includes(file) &&
              sameSpelling(values.get(names.get(name)?.name ?? '')) === sameSpelling(value),
          )
          .map(({ name }) => `${file} declares ${name}, which is ${names.get(name)?.name}`),
      );
      expect(again).toEqual([]);
    },
  );
});

describe('a second declaration', () => {
  test('is found in any form that the code uses', () => {
    const first = '/** Why. */\nexport const SHT_NOBITS = 8;\nconst SHF_ALLOC = 0x2, EM_BPF = 247;\n';
    const text = `${first}\n/** Next. */\nconst EPERM = 1;\n`;
    expect(constantsOf('x.ts', text)).toEqual([
      { name: 'SHT_NOBITS', value: '8', block: 0 },
      { name: 'SHF_ALLOC', value: '0x2', block: 0 },
      { name: 'EM_BPF', value: '247', block: 0 },
      { name: 'EPERM', value: '1', block: 1 },
    ]);
  });

  test('is found in any scope and form', () => {
    const text =
      'function f() { const EPERM = 1; }\nenum Type { SHT_NOBITS = 8 }\nconst x = { BPF_ADD: 0x0, EIO: y };\n';
    expect(namesIn('x.ts', text)).toEqual(['BPF_ADD', 'EPERM', 'SHT_NOBITS']);
  });

  test('is found in any spelling of its number', () => {
    expect(sameSpelling('0x1_0')).toBe(sameSpelling('16'));
    expect(sameSpelling('1 << 4')).toBe('1 << 4');
  });
});
