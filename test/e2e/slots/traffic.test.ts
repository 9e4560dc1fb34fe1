/** Slots are replaced while packets come in; `npm run bench:traffic` does the same for longer. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/needs.ts';
import { misjudged, replaceStages, type StagedObjects, stagedObjects } from './staged-traffic.ts';
import { kernel } from './support.ts';
import {
  compileGenerator,
  replaceUnderTraffic,
  type TrafficObjects,
  TrafficWire,
  trafficObjects,
} from './traffic.ts';

const wanted = needs('bpf', 'ip', 'gcc');

wanted.describe('under traffic', () => {
  let objects: TrafficObjects;
  let staged: StagedObjects;
  let generator: ReturnType<typeof compileGenerator>;
  let wire: TrafficWire;
  beforeAll(() => {
    const directory = join(import.meta.dirname, '../../vm/programs/obj/el');
    objects = trafficObjects(directory);
    staged = stagedObjects(directory);
    generator = compileGenerator();
    wire = new TrafficWire('rl');
  });
  afterAll(() => {
    wire.close();
    generator.remove();
  });

  test.each(['static', 'tail'] as const)(
    '%s: each packet is judged once, by the old code or the new',
    async via => {
      const options = { sys: kernel, objects, via, swaps: 50, mode: 'generic' } as const;
      const result = await replaceUnderTraffic(wire, generator.program, options);
      const { sent, seen, judged, dropped } = result;
      expect(sent).toBeGreaterThan(1000);
      expect(seen + dropped).toBe(sent);
      expect(dropped).toBe(0);
      expect(result.byDefault).toBe(0);
      expect(result.mixed).toBe(0);
      for (const [old, fresh] of judged) expect(old + fresh).toBe(seen);
      const [, [old = 0, fresh = 0] = []] = judged;
      expect(Math.min(old, fresh)).toBeGreaterThan(0);
    },
    60_000,
  );

  test.each([
    ['component', 'static', 'generic'],
    ['component', 'static', 'native'],
    ['component', 'tail', 'generic'],
    ['rootlet', 'static', 'generic'],
    ['rootlet', 'tail', 'generic'],
  ] as const)(
    'a %s of two stages, %s, %s: no packet meets stages of two versions, or an empty array',
    async (what, via, mode) => {
      const options = { sys: kernel, objects: staged, what, via, mode, swaps: 40 };
      const result = await replaceStages(wire, generator.program, options);
      expect(result.sent).toBeGreaterThan(1000);
      expect([misjudged(result), result]).toEqual([0, result]);
      expect(Math.min(...result.judged)).toBeGreaterThan(0);
    },
    60_000,
  );
});
