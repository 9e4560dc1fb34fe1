import { expect, test } from 'vitest';
import { helperArguments } from '../../isa/helper-arguments.ts';
import { HELPERS } from './table.ts';

/** The machine reads the format of `bpf_trace_printk` itself and takes its values from r3 to r5. */
test('helpers of the machine have as many arguments as those of the kernel', () => {
  const differing = HELPERS.filter(({ id, args }) => helperArguments(id) !== args.length);
  expect(differing.map(({ name, args }) => [name, args.length])).toEqual([]);
});
