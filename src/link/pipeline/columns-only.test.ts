/** A link of files without problems makes no symbols and no types of any object. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test, vi } from 'vitest';

const made = vi.hoisted(() => ({ symbols: 0, types: 0 }));

vi.mock('../../object/model/symbols-of.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../object/model/symbols-of.ts')>();
  const symbolsOf: typeof original.symbolsOf = place => {
    made.symbols++;
    return original.symbolsOf(place);
  };
  return { ...original, symbolsOf };
});

vi.mock('../../object/model/from-columns.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../object/model/from-columns.ts')>();
  const btfOfUnit: typeof original.btfOfUnit = place => {
    made.types++;
    return original.btfOfUnit(place);
  };
  return { ...original, btfOfUnit };
});

const { link } = await import('../link.ts');
const { writeObject } = await import('../../object/index.ts');

const EXAMPLES = fileURLToPath(new URL('../../../examples/obj/', import.meta.url));

function inputs(order: string, ...names: readonly string[]) {
  return names.map(name => ({ name, bytes: readFileSync(`${EXAMPLES}${order}/${name}.bpf.o`) }));
}

beforeEach(() => {
  made.symbols = 0;
  made.types = 0;
});

describe.each(['el', 'eb'])('a link of %s files', order => {
  test('is columns from the inputs to the bytes', () => {
    const result = link(inputs(order, 'first', 'second'));
    if (!result.ok) throw new Error('the example does not link');
    expect(writeObject(result.object).length).toBeGreaterThan(1000);
    expect(made).toEqual({ symbols: 0, types: 0 });
  });

  test('makes an object when it is asked for one', () => {
    const result = link(inputs(order, 'first', 'second'));
    if (!result.ok) throw new Error('the example does not link');
    expect(result.object.symbols.map(({ name }) => name)).toContain('foo');
    expect(result.object.btf).not.toBeNull();
    expect(made).toEqual({ symbols: 1, types: 1 });
  });
});
