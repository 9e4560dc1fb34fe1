/** Programs on a wire, with real packets: in the driver (XDP), and behind it by both ways to attach classifiers. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { readInterface } from '../../src/kernel/hooks/interface.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { XDP_DROP } from '../../src/uapi/verdicts.ts';
import { since, sys } from './guest/kernel.ts';
import { openWire, type Wire } from './guest/net.ts';
import { vmObject } from './guest/objects.ts';

const TC_SHOT = 2;

let made: Wire | undefined;
beforeAll(() => {
  made = openWire();
});
afterAll(() => made?.close());

function wire(): Wire {
  if (made === undefined) throw new Error('there is no wire');
  return made;
}

const load = (): LoadedObject => loadObject(vmObject('packets'), sys, { pinRoot: null });
/** Packets seen in the driver, behind it, and on the way out. */
const seen = (loaded: LoadedObject) =>
  ['at_driver', 'at_ingress', 'at_egress'].map(name => loaded.variables.get(name));

describe('in the driver', () => {
  test('packets are seen and dropped natively', () => {
    using loaded = load();
    const attached = wire().inside(() =>
      attachProgram(loaded, 'driver', { interface: 'near', mode: 'native' }),
    );
    const { xdp } = wire().inside(() => readInterface(sys, 'near'));
    expect(xdp).toMatchObject({ native: loaded.program('driver').info().id, generic: 0 });
    using filter = wire().inside(() =>
      attachProgram(loaded, 'ingress', { interface: 'near', direction: 'ingress', method: 'clsact' }),
    );
    wire().send(5);
    expect(seen(loaded)).toEqual([5, 5, 0]);
    loaded.variables.set('driver_verdict', XDP_DROP);
    wire().send(4);
    expect(seen(loaded)).toEqual([9, 5, 0]);
    attached.close();
    wire().send(3);
    expect(seen(loaded)).toEqual([9, 8, 0]);
    wire().inside(() => filter.detach(loaded.program('ingress')));
  });

  test('one program takes the place of another', () => {
    using one = load();
    using other = load();
    using attached = wire().inside(() => attachProgram(one, 'driver', { interface: 'near', mode: 'native' }));
    wire().send(2);
    attached.update(other.program('driver'), one.program('driver'));
    wire().send(3);
    expect([seen(one)[0], seen(other)[0]]).toEqual([2, 3]);
  });
});

describe('classifiers', () => {
  for (const method of ['clsact', 'tcx'] as const) {
    const why = method === 'tcx' ? since('6.6') : undefined;
    test.skipIf(why !== undefined)(
      `by ${method}, in both directions${why === undefined ? '' : ` (${why})`}`,
      () => {
        using loaded = load();
        const attach = (direction: 'ingress' | 'egress') =>
          wire().inside(() => attachProgram(loaded, direction, { interface: 'near', direction, method }));
        const both = [attach('ingress'), attach('egress')];
        wire().send(3);
        wire().reply(2);
        expect(seen(loaded)).toEqual([0, 3, 2]);
        using beyond = load();
        using _driver = wire().beyond(() =>
          attachProgram(beyond, 'driver', { interface: 'far', mode: 'native' }),
        );
        loaded.variables.set('egress_verdict', TC_SHOT);
        wire().reply(4);
        expect([seen(loaded)[2], seen(beyond)[0]]).toEqual([6, 0]);
        for (const one of both) {
          wire().inside(() => one.detach(null));
          one.close();
        }
        wire().reply(1);
        expect([seen(loaded)[2], seen(beyond)[0]]).toEqual([6, 1]);
      },
    );
  }
});
