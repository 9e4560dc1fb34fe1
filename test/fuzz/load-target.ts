/** The plan of a load, as `rootlet load --dry-run` makes it, executed on a kernel that only counts. */

import { TypeFinder } from '../../src/core/names.ts';
import { relocateCore } from '../../src/core/relocate.ts';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import { executeLoad } from '../../src/load/execute/execute.ts';
import { bindExterns } from '../../src/load/externs/bind-externs.ts';
import type { KernelFacts } from '../../src/load/externs/kernel-facts.ts';
import { planLoad } from '../../src/load/plan/object.ts';
import { preparedAlone } from '../../src/load/plan/prepared.ts';
import { readObject } from '../../src/object/read/read.ts';
import { stripDataSections } from '../../src/object/write/strip-data-sections.ts';
import { attempt } from './check.ts';
import type { SeedFile } from './seeds.ts';

const FACTS: KernelFacts = {
  config: () => 'CONFIG_HZ=250\nCONFIG_BPF=y\n',
  versionCode: () => 1,
  addresses: names => new Map([...names].map(name => [name, [4n]])),
  hasCookie: () => true,
  hasSyscallWrapper: () => true,
};

/** The object's own types take the place of the kernel's. */
export function loadDry(input: SeedFile): void {
  attempt('loading', () => {
    const object = stripDataSections(readObject(input));
    if (object.btf === null) return;
    const target = { name: 'self', types: new TypeFinder(object.btf), btfObject: 0 };
    const types = { vmlinux: () => target, modules: () => [] };
    const { object: relocated, answers } = relocateCore(object, { main: target, modules: () => [] });
    const bindings = bindExterns(relocated, types, FACTS);
    const prepared = { ...preparedAlone(relocated), bindings, coreAnswers: answers };
    const plan = planLoad(prepared, { programs: () => true });
    executeLoad(plan, new FakeSys(), { pinRoot: '/nonexistent' }).close();
  });
}
