/** Slots of an attached rootlet, filled by function replacement: one instance of the rootlet after the other. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rootlet } from '../../src/dynamic/slots/rootlet.ts';
import { readLinkInfo } from '../../src/kernel/objects/info.ts';
import type { ObjectFile } from '../../src/object/read/input.ts';
import { EntryUnderTest } from '../e2e/slots/entry.ts';
import {
  compileGenerator,
  replaceUnderTraffic,
  type TrafficObjects,
  TrafficWire,
  trafficObjects,
} from '../e2e/slots/traffic.ts';
import { sys, testSince } from './guest/kernel.ts';
import { openWire, type Wire } from './guest/net.ts';

const PACKET = new Uint8Array(64);
const DROP = 1;
const PASS = 2;
const TX = 3;
const REDIRECT = 4;

function vmFile(name: string): ObjectFile {
  const path = fileURLToPath(new URL(`programs/obj/el/${name}.bpf.o`, import.meta.url));
  return { name: `${name}.bpf.o`, bytes: readFileSync(path) };
}

const HOST = vmFile('relink_host');
const ONE = vmFile('relink_one');
const ONE_V2 = vmFile('relink_one_v2');
const OTHERS = vmFile('relink_others');
const EVENT_HOST = vmFile('relink_event_host');
const EVENT_PART = vmFile('relink_event_part');

let wire: Wire;
beforeAll(() => {
  wire = openWire();
});
afterAll(() => wire.close());

const place = { interface: 'near', mode: 'generic' } as const;
const attach = (via?: 'ext' | 'static' | 'tail') =>
  wire.inside(() => Rootlet.attach(sys, HOST, place, via === undefined ? {} : { via }));
const judge = (rootlet: Rootlet): number => rootlet.generation.program.testRun({ data: PACKET }).verdict;

/** A u64 at the begin of the only value of a map. */
function word(rootlet: Rootlet, map: string, offset = 0): number {
  const value = rootlet.generation.maps.get(map)?.lookup(new Uint8Array(4));
  return value === undefined ? -1 : Number(new DataView(value.buffer).getBigUint64(offset, true));
}

describe('slots by replacement', () => {
  test('their own code, filled, replaced, let go: chosen without being asked, state kept', () => {
    using rootlet = attach();
    expect(judge(rootlet)).toBe(PASS);
    const { choice } = rootlet.replace('slot1', ONE);
    expect(choice).toMatchObject({ via: 'ext' });
    expect(judge(rootlet)).toBe(DROP);
    const { state } = rootlet.replace('slot1', ONE_V2);
    expect(state.filter(({ component }) => component !== null)).toMatchObject([
      { key: 'relink_one_v2:runs', kind: 'reuse', from: 'relink_one' },
      { key: 'relink_one_v2:.bss', kind: 'migrate', from: 'relink_one', variables: ['seen'], lost: [] },
    ]);
    expect(judge(rootlet)).toBe(TX);
    expect(word(rootlet, 'relink_one_v2:runs')).toBeGreaterThanOrEqual(2);
    rootlet.reset('slot1');
    expect(judge(rootlet)).toBe(PASS);
    // the rootlet's own counter went from instance to instance; the wire has packets of its own
    expect(word(rootlet, '.bss')).toBeGreaterThanOrEqual(4);
  });

  test('a component is loaded once for all its slots and all generations', () => {
    using rootlet = attach();
    rootlet.change({ fill: ['slot1', 'slot2', 'slot3'].map(slot => ({ slot, file: ONE })) });
    const id = () => rootlet.generation.programs.get('relink_one:rl_one')?.info().id;
    const first = id();
    expect(judge(rootlet)).toBe(DROP);
    expect(word(rootlet, 'relink_one:runs') % 3).toBe(0);
    rootlet.replace('slot2', OTHERS, 'rl_changing');
    expect(id()).toBe(first);
    expect(judge(rootlet)).toBe(DROP);
    expect(word(rootlet, 'relink_one:runs')).toBeGreaterThanOrEqual(5);
    const links = [...rootlet.generation.links.values()].map(link => readLinkInfo(sys, link.fd.number));
    const main = rootlet.generation.program.info().id;
    expect(links.map(({ words }) => words[1])).toEqual([main, main, main]);
  });

  test('the program itself is replaced', () => {
    using rootlet = attach();
    rootlet.replace('rl_host', ONE);
    expect(rootlet.generation.via).toBe('ext');
    expect(judge(rootlet)).toBe(DROP);
    rootlet.reset('rl_host');
    expect(judge(rootlet)).toBe(PASS);
  });

  test('a component that changes packets goes into a slot that does not', () => {
    using rootlet = attach('ext');
    rootlet.replace('slot2', OTHERS, 'rl_changing');
    expect(judge(rootlet)).toBe(REDIRECT);
    rootlet.replace('slot1', ONE);
    expect(judge(rootlet)).toBe(REDIRECT);
    rootlet.reset('slot2');
    expect(judge(rootlet)).toBe(DROP);
  });

  test('a slot of values; types are compared to the last bit', () => {
    using rootlet = attach('ext');
    rootlet.replace('weigh', OTHERS, 'rl_weigh');
    expect(judge(rootlet)).toBe(9);
    expect(() => rootlet.replace('weigh', OTHERS, 'rl_unsigned')).toThrow(
      /slot: .*int packets.*\n.*program: .*unsigned int packets/,
    );
    expect(judge(rootlet)).toBe(9);
  });

  test('what the kernel refuses changes nothing', () => {
    using rootlet = attach();
    rootlet.replace('slot1', ONE);
    const { id } = rootlet.generation.program.info();
    expect(() => rootlet.replace('slot1', OTHERS, 'rl_refused')).toThrow(/invalid access to packet/);
    expect(() => rootlet.replace('slot9', ONE)).toThrow(/no such slot: "slot9"/);
    expect(rootlet.generation.program.info().id).toBe(id);
    expect(judge(rootlet)).toBe(DROP);
  });

  test('from one way to another, with all state', () => {
    using rootlet = attach('static');
    rootlet.replace('slot1', ONE);
    for (const via of ['ext', 'tail', 'ext', 'static'] as const) {
      judge(rootlet);
      rootlet.change({}, { via });
    }
    expect(judge(rootlet)).toBe(DROP);
    expect(word(rootlet, 'relink_one:runs')).toBeGreaterThanOrEqual(5);
    expect(word(rootlet, '.bss')).toBeGreaterThanOrEqual(5);
  });
});

describe('a tracepoint, whose context has no name', () => {
  /** Starts a process: one event. */
  const fork = (): void => {
    execFileSync('/bin/true');
  };
  const attachEvents = () => Rootlet.attach(sys, EVENT_HOST, {}, { via: 'tail' });

  // kernels before do not know the tag, and have no name for the context either
  testSince('6.8', 'slots are filled by tail calls', () => {
    using rootlet = attachEvents();
    fork();
    const before = word(rootlet, '.bss');
    expect(before % 1000).toBeGreaterThan(0);
    expect(rootlet.replace('slot', EVENT_PART).choice.via).toBe('tail');
    fork();
    expect(word(rootlet, 'relink_event_part:.bss')).toBeGreaterThan(0);
    expect(word(rootlet, '.bss')).toBeGreaterThanOrEqual(before + 1000);
    rootlet.reset('slot');
    const after = word(rootlet, '.bss');
    fork();
    expect(word(rootlet, '.bss') - after).toBeLessThan(1000);
  });

  testSince('6.8', 'no other way is offered', () => {
    using rootlet = attachEvents();
    expect(() => rootlet.change({ fill: [{ slot: 'slot', file: EVENT_PART }] }, { via: 'ext' })).toThrow(
      /context by its tag alone[\s\S]*hint: --slots tail would work/,
    );
    expect(() => rootlet.change({ fill: [{ slot: 'slot', file: EVENT_PART }] }, { via: 'static' })).toThrow(
      /cannot change the program on this hook[\s\S]*hint: --slots tail/,
    );
  });
});

describe('in the store', () => {
  const root = '/sys/fs/bpf/relink-vm';
  const enter = () =>
    new EntryUnderTest(sys, root, HOST, 'rl_host', undefined, place, body => wire.inside(body));

  test('any process continues where the last one ended, again and again without a busy slot', () => {
    using entry = enter();
    const change = (file: ObjectFile | undefined): number =>
      entry.with(rootlet => {
        if (file === undefined) rootlet.reset('slot1');
        else rootlet.replace('slot1', file);
        expect(rootlet.generation.via).toBe(file === undefined ? 'static' : 'ext');
        return judge(rootlet);
      });
    for (let round = 0; round < 4; round++) {
      expect(change(ONE)).toBe(DROP);
      expect(change(ONE_V2)).toBe(TX);
    }
    expect(change(undefined)).toBe(PASS);
  });

  // the first save prepares, the second one follows the hook, which has changed then
  test('a step of it that fails leaves the old code or the new, as the record says', () => {
    using entry = enter();
    entry.with(rootlet => rootlet.replace('slot1', ONE));
    let [running, next] = [ONE, ONE_V2];
    const outcomes: string[] = [];
    for (const step of [2, 7, 13, 18]) {
      entry.failAt(step);
      expect(() => entry.with(rootlet => rootlet.replace('slot1', next))).toThrow(/this step fails/);
      entry.failAt(0);
      const name = entry.with(rootlet => {
        const file = rootlet.slots[0]?.fill?.file.name;
        expect(judge(rootlet)).toBe(file === ONE.name ? DROP : TX);
        return file;
      });
      outcomes.push(`${name === next.name ? 'new' : 'old'} ${entry.failed}`);
      if (name === next.name) [running, next] = [next, running];
    }
    const kinds = outcomes.map(one => one.slice(0, 3));
    expect(kinds, outcomes.join(', ')).toEqual(['old', 'old', 'new', 'new']);
  });
});

describe('under traffic', () => {
  let objects: TrafficObjects;
  let generator: ReturnType<typeof compileGenerator>;
  let traffic: TrafficWire;
  beforeAll(() => {
    objects = trafficObjects(fileURLToPath(new URL('programs/obj/el', import.meta.url)));
    generator = compileGenerator(fileURLToPath(new URL('../e2e/slots/traffic.c', import.meta.url)));
    traffic = new TrafficWire('vm');
  });
  afterAll(() => {
    traffic.close();
    generator.remove();
  });

  test('each packet is judged once, by the old code or the new', async () => {
    const options = { sys, objects, via: 'ext', swaps: 10, mode: 'generic' } as const;
    const result = await replaceUnderTraffic(traffic, generator.program, options);
    const { sent, seen, judged, dropped, byDefault, mixed } = result;
    expect(seen).toBeGreaterThan(100);
    expect([sent - seen - dropped, byDefault, mixed]).toEqual([0, 0, 0]);
    for (const [old, fresh] of judged) expect(old + fresh).toBe(seen);
  });
});
