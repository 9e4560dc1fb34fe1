import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseBtf } from '../btf/binary/parse.ts';
import { BtfBuilder } from '../btf/model/builder.ts';
import { toRaw } from '../btf/model/to-raw.ts';
import type { Btf, BtfType } from '../btf/model/types.ts';
import { HOST_ORDER } from '../kernel/uapi/attr.ts';
import { essentialName, TypeFinder } from './names.ts';

const struct = (name: string): BtfType => ({ kind: 'struct', name, size: 0, members: [] });

function btfOf(...names: readonly string[]): Btf {
  const builder = new BtfBuilder();
  for (const name of names) builder.add(struct(name));
  return builder.build();
}

/** What is found for each name: requested alone, and together with many others. */
function bothWays(btf: Btf, names: readonly string[]): (readonly number[])[][] {
  const alone = names.map(name => new TypeFinder(btf).find(name));
  const together = new TypeFinder(btf);
  together.prepare([...names, ...Array.from({ length: 600 }, (_, n) => `filler_${n}`)]);
  return [alone, names.map(name => together.find(name))];
}

test.each([
  [['a'], ['a', 'b'], [[1]]],
  [['a___x', 'a', 'ab', 'a___y___z', 'a___'], ['a'], [[1, 2]]],
  [
    ['a___y___z', 'a'],
    ['a___y', 'a'],
    [[1], [2]],
  ],
  [['task___1', 'task', 'task_struct', 'xtask'], ['task'], [[1, 2]]],
  [
    ['ä', 'a', 'ä___b'],
    ['ä', 'a'],
    [[1, 3], [2]],
  ],
  [['a.b*(c)|d', 'a'], ['a.b*(c)|d'], [[1]]],
] as const)('among %j', (names, wanted, expected) => {
  const [alone, together] = bothWays(btfOf(...names), wanted);
  expect(together).toEqual(alone);
  expect(alone?.filter(ids => ids.length > 0)).toEqual(expected);
});

const VMLINUX = '/sys/kernel/btf/vmlinux';
describe.skipIf(!existsSync(VMLINUX))(
  `types of the running kernel${existsSync(VMLINUX) ? '' : ` (no ${VMLINUX})`}`,
  () => {
    test('are found by one name as by many, each under its own', () => {
      const btf = toRaw(parseBtf(readFileSync(VMLINUX), HOST_ORDER));
      const step = Math.max(1, Math.floor(btf.count / 200));
      const ids = Array.from({ length: 200 }, (_, n) => 1 + n * step).filter(id => btf.nameOf(id) !== '');
      const names = [...new Set(ids.map(id => essentialName(btf.nameOf(id))))];
      const [alone, together] = bothWays(btf, names);
      expect(together).toEqual(alone);
      const found = new Set(alone?.flat());
      const strangers = [...found].filter(id => !names.includes(essentialName(btf.nameOf(id))));
      expect(strangers).toEqual([]);
      expect(found.size).toBeGreaterThan(100);
    });
  },
);
