/** Hooks as entries of a store: opened again from their record, and removed whatever happened meanwhile. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { attachTracepoint } from '../../kernel/hooks/attachment.ts';
import { attachTcx, attachXdp } from '../../kernel/hooks/hooks.ts';
import { readInterface } from '../../kernel/hooks/interface.ts';
import { TcFilter } from '../../kernel/hooks/tc.ts';
import type { BpfProgram } from '../../kernel/objects/program.ts';
import { inNetns } from '../../kernel/sys/netns.ts';
import { mountBpffs } from '../../load/testing.ts';
import type { JsonObject } from '../../store/fields.ts';
import { Store, type StoreEntry } from '../../store/store.ts';
import * as uapi from '../../uapi/index.ts';
import { FilterHook } from '../kinds/filter.ts';
import type { Hook } from '../kinds/hook.ts';
import { InterfaceSpot } from '../kinds/interface-spot.ts';
import { LinkHook } from '../kinds/link.ts';
import { XdpHook } from '../kinds/xdp.ts';
import { hooksForTests, returning, TwoNamespaces } from '../testing.ts';
import { findHook, HOOK_LINK, hookLinks, openHook } from './entry.ts';
import { removeHook } from './remove.ts';
import { hooksRunning } from './running.ts';
import { entryLinkState, hasHappened, recordedState } from './state.ts';

const { kernel, missing } = hooksForTests();
const XDP = [uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP] as const;
const CLASSIFIER = [uapi.BPF_PROG_TYPE_SCHED_CLS] as const;
const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'entries') : undefined;
  const mount = missing === undefined ? mountBpffs() : undefined;
  const root = join(mount?.path ?? '', 'store');
  const inside = <T>(body: () => T): T => (names === undefined ? body() : names.inside(body));
  const filters = () => names?.tc('filter', 'show', 'dev', 'va', 'ingress') ?? '';
  const open = () => Store.open(kernel, root, { hasHappened });
  afterEach(() => {
    names?.tc('filter', 'del', 'dev', 'va', 'ingress');
    const store = open();
    for (const entry of store.list()) store.remove(entry);
  });
  afterAll(() => {
    mount?.close();
    names?.close();
  });

  /** Saves a hook that runs `program`, closes both, and gives the entry. */
  function keep(hook: Hook, program: BpfProgram, kind: string, more: JsonObject = {}): StoreEntry {
    const store = open();
    const attach = { kind, target: 'va', program: program.name, place: hook.place };
    const saved = store.save('hook', 'h', {
      source: 'h.o',
      programs: new Map([[program.name, program]]),
      links: hookLinks(hook),
      data: { attach, ...hook.record, ...more },
    });
    hook.close();
    return saved;
  }
  function keepFilter(program: BpfProgram, more: JsonObject = {}): StoreEntry {
    return inside(() => {
      const options = { direction: 'ingress', name: program.name } as const;
      const filter = TcFilter.attach(kernel, program.fd.number, 'va', options);
      const spot = InterfaceSpot.find(kernel, 'va');
      return keep(new FilterHook(kernel, filter, spot, [program.info()]), program, 'tc', more);
    });
  }
  const keepXdp = (program: BpfProgram): StoreEntry =>
    inside(() => keep(new LinkHook(attachXdp(kernel, program.fd.number, 'va', 'generic')), program, 'xdp'));
  const remove = (entry: StoreEntry, force = false) => inside(() => removeHook(open(), entry, force));
  /** What another process does. */
  const replaceFilter = (program: BpfProgram) =>
    inside(() => {
      const at = { priority: 49152, handle: 1 };
      const spot = InterfaceSpot.find(kernel, 'va');
      TcFilter.at(kernel, spot.index, { direction: 'ingress', name: program.name }, at).update(
        program.fd.number,
      );
    });

  test('a filter: opened, changed and removed from its record', () => {
    using ours = returning(kernel, 'ours', CLASSIFIER);
    using next = returning(kernel, 'next', CLASSIFIER, 2);
    const entry = keepFilter(ours);
    expect(entry.record.data).toMatchObject({
      filter: { interface: 'va', direction: 'ingress', priority: 49152, handle: 1 },
    });
    inside(() => {
      using hook = openHook(open(), entry);
      hook.update(next, ours);
      hook.update(ours, next);
    });
    expect(inside(() => recordedState(open(), entry))).toEqual({
      linkType: undefined,
      place: 'interface "va" ingress',
      state: `runs program ${ours.info().id}`,
    });
    expect(remove(entry)).toEqual({ kind: 'detached' });
    expect(filters()).not.toContain('ours');
    expect(open().list()).toEqual([]);
  });

  test('a record without the index, as older versions wrote it', () => {
    using ours = returning(kernel, 'ours', CLASSIFIER);
    const { filter } = keepFilter(ours).record.data;
    const { ifindex: _index, ...older } = filter as JsonObject; // written above
    const store = open();
    const entry = store.save('hook', 'h', {
      source: 'h.o',
      programs: new Map([['ours', ours]]),
      data: { attach: { kind: 'tc', target: 'va', program: 'ours', place: '' }, filter: older },
    });
    expect(inside(() => openHook(store, entry).occupantId())).toBe(ours.info().id);
    expect(remove(entry)).toEqual({ kind: 'detached' });
  });

  test.each([{ priority: 'x' }, { handle: 0 }, { direction: 'up' }, { interface: 7 }, { netns: null }])(
    'a record with %j is refused, and removed by force',
    field => {
      using ours = returning(kernel, 'ours', CLASSIFIER);
      const { filter } = keepFilter(ours).record.data;
      const entry = keepBroken(ours, { ...(filter as JsonObject), ...field }); // written above
      expect(() => inside(() => openHook(open(), entry))).toThrow(code('store-record'));
      expect(() => remove(entry)).toThrow(code('store-record'));
      expect(remove(entry, true)).toMatchObject({ kind: 'left', command: null });
      expect(open().list()).toEqual([]);
    },
  );
  function keepBroken(program: BpfProgram, filter: JsonObject): StoreEntry {
    const attach = { kind: 'tc', target: 'va', program: program.name, place: '' };
    const programs = new Map([[program.name, program]]);
    return open().save('hook', 'h', { source: 'h.o', programs, data: { attach, filter } });
  }

  test('the filter of another process stays, whether the entry is removed or not', () => {
    using ours = returning(kernel, 'ours', CLASSIFIER);
    using theirs = returning(kernel, 'theirs', CLASSIFIER);
    const entry = keepFilter(ours);
    replaceFilter(theirs);
    expect(() => remove(entry)).toThrow(
      `program ${theirs.info().id} ("theirs") is attached, not ${ours.info().id} ("ours")`,
    );
    expect(inside(() => recordedState(open(), entry)?.state)).toBe(
      `changed: program ${theirs.info().id} is not its own`,
    );
    expect(remove(entry, true)).toMatchObject({
      kind: 'left',
      why: expect.stringContaining('("theirs") is attached'),
      command: null,
    });
    expect(filters()).toContain('theirs');
  });

  test('a filter in another network namespace: refused, or left with the command that removes it', () => {
    using ours = returning(kernel, 'ours', CLASSIFIER);
    const entry = keepFilter(ours);
    expect(() => removeHook(open(), entry, false)).toThrow(code('attach-other-netns'));
    expect(recordedState(open(), entry)?.state).toBe(`runs program ${ours.info().id}`);
    const removal = removeHook(open(), entry, true);
    expect(removal).toMatchObject({
      kind: 'left',
      command: `nsenter --net=/run/netns/${names?.near} tc filter del dev va ingress pref 49152 handle 1 bpf`,
    });
    expect(filters()).toContain('ours');
  });

  test('a link that another process changed: refused, and ended by force', () => {
    using ours = returning(kernel, 'ours', XDP, 2);
    using theirs = returning(kernel, 'theirs', XDP, 2);
    const entry = keepXdp(ours);
    {
      using link = open().openLink(entry, HOOK_LINK);
      link.update(theirs.fd.number);
    }
    expect(() => remove(entry)).toThrow(code('hook-changed'));
    expect(open().find('hook', 'h')).toBeDefined();
    expect(remove(entry, true)).toEqual({ kind: 'detached' });
    expect(inside(() => readInterface(kernel, 'va')).xdp.generic).toBe(0);
  });

  test('a link that ended, or whose pin was removed', () => {
    using ours = returning(kernel, 'ours', XDP, 2);
    const ended = keepXdp(ours);
    {
      using link = open().openLink(ended, HOOK_LINK);
      link.detach();
    }
    expect(entryLinkState(open(), ended, HOOK_LINK)?.state).toMatch(
      /^ended: it was detached, or its interface/,
    );
    expect(remove(ended)).toMatchObject({ kind: 'ended', why: expect.stringContaining('was detached') });

    const unpinned = keepXdp(ours);
    {
      using held = open().openLink(unpinned, HOOK_LINK); // what else keeps the link
      rmSync(join(unpinned.path, 'link_hook'));
      expect(held.info().programId).toBe(ours.info().id);
      expect(remove(unpinned)).toEqual({ kind: 'detached' });
      expect(inside(() => readInterface(kernel, 'va')).xdp.generic).toBe(0);
    }
    const gone = keepXdp(ours);
    rmSync(join(gone.path, 'link_hook'));
    expect(findHook(open(), gone)).toBeUndefined();
    expect(remove(gone)).toEqual({ kind: 'ended', why: 'its link is gone' });
  });

  test('a kind that only ends with its last handle: what else holds it is reported', () => {
    const type = [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT] as const;
    using ours = returning(kernel, 'ours', type);
    const attach = () => new LinkHook(attachTracepoint(kernel, ours.fd.number, 'sched_process_exit', 'here'));
    expect(remove(keep(attach(), ours, 'raw-tracepoint'))).toEqual({ kind: 'detached' });
    const entry = keep(attach(), ours, 'raw-tracepoint');
    using _held = open().openLink(entry, HOOK_LINK);
    expect(remove(entry)).toMatchObject({ kind: 'left', why: expect.stringContaining('holds its link') });
  });

  test('an error before the program is off leaves the entry; one after it says that the program is off', () => {
    using ours = returning(kernel, 'ours', XDP, 2);
    const entry = keepXdp(ours);
    const failing = open();
    failing.remove = (_entry, commit = () => {}) => {
      commit();
      throw new RootletError([
        { code: 'store-file', class: 'platform', where: [], message: 'removing: EIO' },
      ]);
    };
    const failure = (() => {
      try {
        return inside(() => removeHook(failing, entry, false));
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toMatchObject({
      problems: [
        {
          code: 'hook-half-removed',
          class: 'partial',
          message: expect.stringMatching(/the program is detached, but.*EIO/),
        },
      ],
    });
    expect(inside(() => readInterface(kernel, 'va')).xdp.generic).toBe(0);
    expect(remove(entry), 'the next command completes it').toMatchObject({ kind: 'ended' });
  });

  test('hooks by what runs on them: links, whoever made them, and the filter of the entry', () => {
    using ours = returning(kernel, 'ours', CLASSIFIER);
    using theirs = returning(kernel, 'theirs', CLASSIFIER);
    const entry = keepFilter(ours);
    using link = inside(() => attachTcx(kernel, ours.fd.number, 'va', 'egress'));
    using _other = inside(() => attachTcx(kernel, theirs.fd.number, 'va', 'egress'));
    const running = () =>
      inside(() => {
        const found = hooksRunning(open(), entry, new Set([ours.info().id]));
        for (const { hook } of found) hook.close();
        return found.map(({ hook, programId }) => [hook.place, programId]);
      });
    const [id] = [ours.info().id];
    expect(running()).toEqual([
      [expect.stringMatching(/^attachment \d+$/), id], // closed: in the words of then
      ['interface "va" ingress', id],
    ]);
    expect(() => hooksRunning(open(), entry, new Set([id]))).toThrow(code('attach-other-netns'));
    link.detach();
    replaceFilter(theirs);
    expect(running()).toEqual([]);
    expect(remove(entry, true)).toMatchObject({ kind: 'left' });
  });

  test('XDP over netlink: opened from its record', () => {
    using ours = returning(kernel, 'ours', XDP, 2);
    const entry = inside(() => {
      const hook = new XdpHook(kernel, InterfaceSpot.find(kernel, 'va'), 'generic', []);
      hook.attach(ours);
      return keep(hook, ours, 'xdp');
    });
    expect(inside(() => openHook(open(), entry).occupantId())).toBe(ours.info().id);
    expect(recordedState(open(), entry)?.state).toBe(`runs program ${ours.info().id}`);
    expect(hasHappened(entry, open())).toBe(false); // from here it cannot be asked
    expect(inside(() => hasHappened(entry, open()))).toBe(true);
    expect(remove(entry)).toEqual({ kind: 'detached' });
  });

  test('XDP over netlink: an interface that moves to another namespace and is renamed keeps its program', () => {
    const far = names?.far ?? '';
    names?.ip('-n', names.near, 'link', 'add', 'mv', 'type', 'veth', 'peer', 'name', 'mw');
    using ours = returning(kernel, 'ours', XDP, 2);
    const entry = inside(() => {
      const hook = new XdpHook(kernel, InterfaceSpot.find(kernel, 'mv'), 'generic', []);
      hook.attach(ours);
      return keep(hook, ours, 'xdp');
    });
    names?.ip('-n', names.near, 'link', 'set', 'mv', 'netns', far);
    names?.ip('-n', far, 'link', 'set', 'mv', 'name', 'moved');
    expect(recordedState(open(), entry)).toMatchObject({
      place: `interface "moved" of network namespace "${far}"`,
      state: `runs program ${ours.info().id}`,
    });
    expect(() => remove(entry)).toThrow(code('attach-other-netns'));
    expect(inNetns(kernel, `/run/netns/${far}`, () => removeHook(open(), entry, false))).toEqual({
      kind: 'detached',
    });
    names?.ip('-n', far, 'link', 'del', 'moved');
  });

  test('what a killed process left is believed only while its own program is on the hook', () => {
    using ours = returning(kernel, 'ours', CLASSIFIER);
    using theirs = returning(kernel, 'theirs', CLASSIFIER);
    const entry = keepFilter(ours);
    expect(inside(() => hasHappened(entry, open()))).toBe(true);
    replaceFilter(theirs);
    expect(inside(() => hasHappened(entry, open()))).toBe(false);
    expect(remove(entry, true)).toMatchObject({ kind: 'left' });
  });
});
