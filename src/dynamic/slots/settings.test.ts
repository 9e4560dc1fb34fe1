/** Which component a value is for, what of the earlier ones stays, and what the loader calls it. */

import { describe, expect, test } from 'vitest';
import { needs } from '../../../test/support/needs.ts';
import { RootletError } from '../../diag/problem.ts';
import { InputObject } from '../../object/read/input.ts';
import { writeObject } from '../../object/write/write.ts';
import type { Settings, SettingsByOwner } from '../../state/settings.ts';
import { compileTexts, HEAD, withProgram } from '../../state/testing.ts';
import { prepareComponents, sectionStates, statesOf } from './prepare.ts';
import {
  assignSettings,
  carrySettings,
  loaderSettings,
  qualifiedName,
  type SettingsTarget,
} from './settings.ts';

const map = (name: string) =>
  `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } ${name} SEC(".maps");`;
const HOST = `${HEAD}int limit = 1; int own = 2; ${map('rules')}
__weak __noinline int slot1(struct xdp_md *ctx) { volatile int v = 2; return ctx ? v : 0; }
SEC("xdp") int host(struct xdp_md *ctx) { return slot1(ctx) + limit + own; }`;
const FW = withProgram(
  `int limit = 1; const volatile int mode = 0; ${map('rules')} ${map('flows')}`,
  '__u32 key = 0; if (bpf_map_lookup_elem(&rules, &key)) return 1; return limit + mode;',
);
const DNS = withProgram(`int limit = 1; int only = 3; ${map('names')}`, 'return limit + only;');

const settings = (
  globals: Readonly<Record<string, unknown>>,
  maxEntries: Readonly<Record<string, number>> = {},
): Settings => ({
  globals: new Map(Object.entries(globals)),
  maxEntries: new Map(Object.entries(maxEntries)),
});

/** `owner:name=value` for each, in order of the owners. */
const flat = (all: SettingsByOwner): string =>
  [...all]
    .flatMap(([owner, { globals, maxEntries }]) =>
      [...globals, ...maxEntries].map(([name, value]) => `${owner}/${name}=${value}`),
    )
    .sort()
    .join(' ');

const clang = needs('clang');

clang.describe('settings of a change', () => {
  if (clang.reason !== undefined) return;
  const objectOf = compileTexts([HOST, FW, DNS]);
  /** The rootlet, `fw` and `dns`; those that are put in. */
  const targets = (...putIn: readonly string[]): SettingsTarget[] =>
    [
      ['', HOST],
      ['fw', FW],
      ['dns', DNS],
    ].map(([owner = '', text = '']) => ({
      owner,
      object: { ...objectOf(text), name: `${owner || 'host'}.o` },
      putIn: putIn.includes(owner || 'host'),
    }));

  describe('are each for one component', () => {
    test.each<[what: string, putIn: readonly string[], given: Settings, expected: string]>([
      ['of what is put in', ['fw'], settings({ limit: 5 }), 'fw/limit=5'],
      ['of the rootlet that is put in', ['host'], settings({ limit: 5 }), '/limit=5'],
      ['named, whatever is put in', ['fw'], settings({ 'dns:limit': 5 }), 'dns/limit=5'],
      ['named by a section', ['dns'], settings({ '.data:only': 5 }), 'dns/.data:only=5'],
      ['named by component and section', ['fw'], settings({ 'dns:.data:only': 5 }), 'dns/.data:only=5'],
      ['nothing is put in, and one has it', [], settings({ only: 5 }), 'dns/only=5'],
      ['two are put in, and one has it', ['fw', 'dns'], settings({ mode: 5 }), 'fw/mode=5'],
      ['sizes of maps', ['fw'], settings({}, { rules: 64, 'dns:names': 8 }), 'dns/names=8 fw/rules=64'],
      [
        'several',
        ['fw'],
        settings({ limit: 1, mode: 2, 'dns:limit': 3 }),
        'dns/limit=3 fw/limit=1 fw/mode=2',
      ],
      ['none', ['fw'], settings({}), ''],
    ])('%s', (_, putIn, given, expected) => {
      expect(flat(assignSettings(given, targets(...putIn)))).toBe(expected);
    });

    test.each<[what: string, putIn: readonly string[], given: Settings, code: string, message: RegExp]>([
      [
        'several are put in',
        ['fw', 'dns'],
        settings({ limit: 5 }),
        'state-ambiguous',
        /name the component: host\.o \(the rootlet\), fw:limit, dns:limit$/,
      ],
      [
        'nothing is put in',
        [],
        settings({ limit: 5 }),
        'state-ambiguous',
        /several components have a variable "limit"/,
      ],
      [
        'a map of several',
        [],
        settings({}, { rules: 5 }),
        'state-ambiguous',
        /several components have a map "rules"/,
      ],
      [
        'another component has it',
        ['fw'],
        settings({ only: 5 }),
        'load-no-global',
        /no variable "only" in "fw\.o"\n.*of another component: dns:only$/,
      ],
      [
        'nobody has it',
        ['fw'],
        settings({ none: 5 }),
        'load-no-global',
        /no variable "none" in "fw\.o"\n.*rootlet inspect FILE/,
      ],
      [
        'the named component does not have it',
        [],
        settings({ 'fw:only': 5 }),
        'load-no-global',
        /no variable "only" in "fw\.o"\n.*dns:only/,
      ],
      [
        'no component of that name',
        ['fw'],
        settings({ 'none:limit': 5 }),
        'load-no-global',
        /no variable "none:limit" in "fw\.o"/,
      ],
      ['a map is no variable', ['fw'], settings({ rules: 5 }), 'load-no-global', /no variable "rules"/],
      [
        'a variable is no map',
        ['fw'],
        settings({}, { limit: 5 }),
        'load-no-map',
        /no map "limit" in "fw\.o"/,
      ],
      [
        'a map of another component',
        ['fw'],
        settings({}, { names: 5 }),
        'load-no-map',
        /of another component: dns:names/,
      ],
    ])('refused: %s', (_, putIn, given, code, message) => {
      const attempt = () => assignSettings(given, targets(...putIn));
      expect(attempt).toThrow(expect.objectContaining({ code }));
      expect(attempt).toThrow(message);
      expect(attempt).toThrow(RootletError);
    });
  });

  describe('stay with their component', () => {
    const same = (owner: string): string => owner;
    const before = new Map([
      ['', settings({ own: 1 })],
      ['fw', settings({ limit: 2, gone: 3 }, { rules: 64 })],
      ['old', settings({ limit: 4 }, { names: 8 })],
    ]);

    test('what is given goes before, the rest stays, and what no longer fits is listed', () => {
      const given = new Map([['fw', settings({ limit: 9 })]]);
      const { settings: next, dropped } = carrySettings(before, given, targets(), same);
      expect(flat(next)).toBe('/own=1 fw/limit=9 fw/rules=64');
      expect(dropped).toEqual([
        'variable "gone" is not in "fw.o"',
        'old:limit: the component is gone',
        'old:names: the component is gone',
      ]);
    });

    test('a component that takes over another one takes its settings too', () => {
      const { settings: next, dropped } = carrySettings(before, new Map(), targets(), owner =>
        owner === 'dns' ? 'old' : owner,
      );
      expect(flat(next)).toBe('/own=1 dns/limit=4 dns/names=8 fw/limit=2 fw/rules=64');
      expect(dropped).toEqual(['variable "gone" is not in "fw.o"']);
    });

    test('none before', () => {
      const given = new Map([['dns', settings({ only: 5 })]]);
      expect(carrySettings(new Map(), given, targets(), same)).toEqual({ settings: given, dropped: [] });
    });
  });

  describe('have the names that the loader knows', () => {
    const file = new InputObject({ name: 'fw.o', bytes: objectBytes(FW) });
    const rootlet = objectOf(HOST);
    const design = {
      rootlet: new InputObject({ name: 'host.o', bytes: objectBytes(HOST) }),
      fills: [{ slot: 'slot1', file, component: 'fw' }],
    };
    const prepared = () => {
      const [component] = prepareComponents(design, rootlet);
      if (component === undefined) throw new Error('no component');
      return component;
    };

    test('of a section under its name in what is linked', () => {
      const component = prepared();
      expect([...component.sections.values()].sort()).toEqual(['.data', '.rodata']);
      expect(qualifiedName(component, 'limit')).toBe('.data.fw:limit');
      expect(qualifiedName(component, '.data:limit')).toBe('.data.fw:limit');
      expect(qualifiedName(component, 'mode')).toBe('.rodata.fw:mode');
      expect(qualifiedName(component, '.data:mode')).toBeUndefined();
      expect(qualifiedName(component, 'none')).toBeUndefined();
    });

    test('of maps under their names in the plan', () => {
      const component = prepared();
      const given = settings({ limit: 5, none: 6 }, { rules: 64, none: 7 });
      const states = [...sectionStates(component), { map: 'fw_rules', owner: 'fw', name: 'rules' }];
      expect(loaderSettings(component, given, states)).toEqual({
        globals: new Map([['.data.fw:limit', 5]]),
        maxEntries: new Map([['fw_rules', 64]]),
      });
      expect(
        loaderSettings(component, given, [{ map: 'rules', owner: null, name: 'rules' }]).maxEntries,
      ).toEqual(new Map());
      expect(loaderSettings(component, given, statesOf(component)).maxEntries).toEqual(
        new Map([['rules', 64]]),
      );
    });
  });

  function objectBytes(text: string): Uint8Array {
    return writeObject(objectOf(text));
  }
});
