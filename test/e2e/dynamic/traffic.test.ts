/** A provider is upgraded again and again while packets come in: each is judged by the old code or by the new. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { needs } from '../../support/needs.ts';
import { compileGenerator, TrafficWire } from '../slots/traffic.ts';
import { type TestStore, testStore } from './support.ts';
import { type UpgradeObjects, upgradeObjects, upgradeUnderTraffic } from './upgrade-traffic.ts';

needs('bpf', 'root', 'ip', 'clang', 'gcc').describe('under traffic', () => {
  let objects: UpgradeObjects;
  let generator: ReturnType<typeof compileGenerator>;
  let wire: TrafficWire;
  let testing: TestStore;
  beforeAll(() => {
    objects = upgradeObjects();
    generator = compileGenerator();
    wire = new TrafficWire('rlu');
    testing = testStore(openSys());
  });
  afterAll(() => {
    testing.close();
    wire.close();
    generator.remove();
  });

  test.each([
    ['tail', 'slot'],
    ['copy', 'hook'],
  ] as const)(
    'by %s: no packet meets neither, or both',
    async (via, way) => {
      const { store } = testing;
      const traffic = { store, wire, generator: generator.program, objects, via, upgrades: 30 };
      const { sent, seen, byDefault, old, fresh, mixed, fellThrough, how } =
        await upgradeUnderTraffic(traffic);
      expect(how).toEqual([way]);
      expect(sent).toBeGreaterThan(1000);
      expect({ seen, byDefault, mixed, fellThrough }).toEqual({
        seen: sent,
        byDefault: 0,
        mixed: 0,
        fellThrough: 0,
      });
      expect(old + fresh).toBe(sent);
      expect(Math.min(old, fresh)).toBeGreaterThan(0);
    },
    120_000,
  );
});
