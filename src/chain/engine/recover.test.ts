/** Pins of a dispatcher whose generation does not count: removed unless it is attached, or may be. */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hooksForTests, returning, TwoNamespaces } from '../../hooks/testing.ts';
import { setXdp } from '../../kernel/hooks/interface.ts';
import { surveyInterfaces } from '../../kernel/hooks/survey.ts';
import { pinObject } from '../../kernel/objects/pin.ts';
import { mountBpffs } from '../../load/testing.ts';
import { InputObject } from '../../object/read/input.ts';
import { Store, type StoreEntry } from '../../store/store.ts';
import * as uapi from '../../uapi/index.ts';
import { changeChain } from '../chains.ts';
import { findChainHook } from './hooks.ts';
import { removeLeftPins } from './recover.ts';

const { kernel, missing } = hooksForTests();
const path = 'examples/obj/el/first_firewall.bpf.o';
const file = new InputObject({ name: 'first_firewall.bpf.o', bytes: readFileSync(path) });

describe.skipIf(missing !== undefined)(`left pins${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'recover') : undefined;
  const mount = missing === undefined ? mountBpffs() : undefined;
  const libxdp = join(mount?.path ?? '', 'xdp');
  const inside = <T>(body: () => T): T => (names === undefined ? body() : names.inside(body));
  const store = () => Store.open(kernel, join(mount?.path ?? '', 'store'));
  afterAll(() => {
    mount?.close();
    names?.close();
  });

  /** A record as that of a chain, of a dispatcher with this program. */
  function leftEntry(id: number): StoreEntry {
    const [entry] = store().list();
    if (entry?.kind !== 'hook') throw new Error('no chain');
    const programs = entry.record.programs.map(one => ({ ...one, name: 'xdp_dispatcher', id }));
    return { ...entry, record: { ...entry.record, programs } };
  }

  test('removed where it is attached nowhere', () => {
    const context = { sys: kernel, store: store(), time: null };
    const load = { kind: 'load', members: [{ file }] } as const;
    const hook = inside(() => findChainHook(kernel, 'va', 'xdp'));
    inside(() => changeChain(context, hook, load, { via: 'static', mode: 'generic' }));
    const type = [uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP] as const;
    using program = returning(kernel, 'xdp_dispatcher', type, 2);
    const { id } = program.info();
    const directory = join(libxdp, `dispatch-${hook.ifindex}-${id}`);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    pinObject(kernel, program.fd.number, join(directory, 'prog0-prog'));
    const left = leftEntry(id);
    const set = (fd: number) => inside(() => setXdp(kernel, hook.ifindex, fd, { mode: 'generic' }));
    const seen = (gaps: readonly string[]) => () => inside(() => ({ ...surveyInterfaces(kernel), gaps }));

    set(program.fd.number);
    removeLeftPins(kernel, left, { libxdp, survey: seen([]) });
    expect(existsSync(directory)).toBe(true);
    set(-1);
    removeLeftPins(kernel, left, { libxdp, survey: seen(['a process is hidden']) });
    removeLeftPins(kernel, { ...left, kind: 'object' }, { libxdp, survey: seen([]) });
    removeLeftPins(kernel, leftEntry(id + 1), { libxdp, survey: seen([]) });
    expect(existsSync(directory)).toBe(true);
    removeLeftPins(kernel, left, { libxdp, survey: seen([]) });
    expect(existsSync(directory)).toBe(false);
    for (const entry of store().list()) store().remove(entry);
  });
});
