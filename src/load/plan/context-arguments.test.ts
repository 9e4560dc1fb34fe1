import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Btf } from '../../btf/model/types.ts';
import { readObject } from '../../object/read/read.ts';
import { tagsContexts, withContextTypes } from './context-arguments.ts';
import { limitPlan } from './limit.ts';
import { planLoad } from './object.ts';
import type { LoadPlan } from './plan.ts';
import { preparedAlone } from './prepared.ts';

const read = (path: string, name: string) =>
  readObject({ name, bytes: readFileSync(join(import.meta.dirname, '..', path, name)) });
/** look(void *ctx, int add), called by a probe, a classic tracepoint and a clock. */
const PLAN = planLoad(preparedAlone(read('../../test/vm/programs/obj/el', 'contexts.bpf.o')), {
  programs: () => true,
});

function typesOf(plan: LoadPlan): Btf {
  if (plan.types === null) throw new Error('no types');
  return plan.types;
}

/** What `look` takes in each program, in order of its parameters. */
function parameters(plan: LoadPlan): Record<string, string> {
  const types = typesOf(plan);
  return Object.fromEntries(
    plan.programs.map(program => {
      const func = types.type(program.functions.find(({ name }) => name === 'look')?.btfId ?? 0);
      const proto = func.kind === 'func' ? types.type(func.type) : func;
      const params = proto.kind === 'func_proto' ? proto.params : [];
      const names = params.map(({ name, type: id }) => {
        const type = types.type(id);
        const pointee = type.kind === 'ptr' && type.type !== 0 ? ` ${types.nameOf(type.type)}` : '';
        return `${name} ${type.kind}${pointee}`;
      });
      return [program.name, names.join(', ')];
    }),
  );
}

test('a context by tag gets the name that its caller’s kind of program has for it; the other parameters stay', () => {
  expect(tagsContexts(typesOf(PLAN))).toBe(true);
  expect(parameters(withContextTypes(PLAN))).toEqual({
    by_probe: 'ctx ptr bpf_user_pt_regs_t, add int',
    by_tracepoint: 'ctx ptr, add int', // has no name there
    by_clock: 'ctx ptr bpf_perf_event_data, add int',
  });
  expect(parameters(PLAN)).toEqual({
    by_probe: 'ctx ptr, add int',
    by_tracepoint: 'ctx ptr, add int',
    by_clock: 'ctx ptr, add int',
  });
});

test('types stay under their ids, and copies keep name, linkage and tag', () => {
  const before = typesOf(PLAN);
  const plan = withContextTypes(PLAN);
  const after = typesOf(plan);
  for (let id = 1; id <= before.count; id++) expect(after.type(id)).toEqual(before.type(id));
  const fresh = Array.from({ length: after.count - before.count }, (_, i) =>
    after.type(before.count + 1 + i),
  );
  expect(fresh.filter(type => type.kind === 'func')).toEqual([
    expect.objectContaining({ name: 'look', linkage: 'global' }),
    expect.objectContaining({ name: 'look', linkage: 'global' }),
  ]);
  expect(fresh.filter(type => type.kind === 'decl_tag')).toHaveLength(2);
});

test('an older kernel is given them, and a plan without such tags is left alone', () => {
  const limited = limitPlan(PLAN, new Set(['contextTags'])).plan;
  expect(limited.programs.map(program => program.funcInfo)).not.toEqual(
    PLAN.programs.map(program => program.funcInfo),
  );
  const plain = planLoad(preparedAlone(read('testdata/obj/el', 'globals.bpf.o')));
  expect(withContextTypes(plain)).toBe(plain);
});
