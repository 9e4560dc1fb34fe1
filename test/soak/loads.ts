/** Soak of loading, attaching and replacing: through the library and as commands, with those that the verifier refuses. */

import { Registry } from '../../src/dynamic/entries/registry.ts';
import { loadAgainst } from '../../src/dynamic/entries/store-load.ts';
import { Rootlet } from '../../src/dynamic/slots/rootlet.ts';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { loadObject } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { Store } from '../../src/store/store.ts';
import { loadStored } from '../e2e/dynamic/stored.ts';
import { expectRefusal } from './machine.ts';
import type { Subject } from './subject.ts';
import { IFACE, type World } from './world.ts';

const NO_PINS = { pinRoot: null } as const;

export function loadSubjects(world: World): Subject[] {
  return [...objects(world), ...hooks(world), ...slots(world), ...stores(world), ...commands(world)];
}

const subject = (name: string, open: Subject['open'], every = 1): Subject => ({
  what: 'loads',
  name,
  every,
  open,
});

function objects(world: World): Subject[] {
  const { sys } = world;
  const loads = (name: string, what: string, every?: number): Subject =>
    subject(
      what,
      () => {
        const object = readObject(world.object(name));
        return { cycle: () => loadObject(object, sys, NO_PINS).close() };
      },
      every,
    );
  return [
    loads('a', 'load, unload'),
    loads('core', 'load, unload with CO-RE', 10),
    subject('load refused', () => {
      const object = readObject(world.object('refused'));
      return { cycle: () => expectRefusal(() => loadObject(object, sys, NO_PINS)) };
    }),
  ];
}

function hooks(world: World): Subject[] {
  const { sys } = world;
  const attaches = (what: string, names: readonly [string, string], place: object): Subject =>
    subject(what, () => {
      const [first, second] = names.map(name => loadObject(readObject(world.object(name)), sys, NO_PINS));
      if (first === undefined || second === undefined) throw new Error('two objects are needed');
      const [program = ''] = [...first.programs.keys()];
      return {
        cycle() {
          using hook = attachProgram(first, program, { interface: IFACE, ...place });
          hook.update(second.program(program), first.program(program));
          hook.detach(second.program(program));
        },
        close() {
          first.close();
          second.close();
        },
      };
    });
  return [
    attaches('attach, update, detach: xdp', ['a', 'c'], { mode: 'generic' }),
    attaches('attach, update, detach: xdp by netlink', ['a', 'c'], { mode: 'generic', method: 'netlink' }),
    attaches('attach, update, detach: tcx', ['tc_a', 'tc_c'], { direction: 'ingress', method: 'tcx' }),
    attaches('attach, update, detach: clsact', ['tc_a', 'tc_c'], { direction: 'egress', method: 'clsact' }),
  ];
}

function slots(world: World): Subject[] {
  const place = { interface: IFACE, mode: 'generic' } as const;
  const replaces = (via: 'static' | 'tail'): Subject =>
    subject(
      `replace, reset, refused: ${via} slots`,
      () => {
        const rootlet = Rootlet.attach(world.sys, world.object('host'), place, { via });
        return {
          cycle() {
            rootlet.replace('slot1', world.object('a'));
            expectRefusal(() => rootlet.replace('slot1', world.object('refused')));
            rootlet.reset('slot1');
          },
          close: () => rootlet.close(),
        };
      },
      2,
    );
  return [replaces('static'), replaces('tail')];
}

function stores(world: World): Subject[] {
  return [
    subject('store: open, save, list, bind, remove', () => ({
      cycle() {
        const store = Store.open(world.sys, world.root);
        const provider = loadStored(store, 'provider', readObject(world.object('library')));
        {
          using registry = new Registry(store);
          using user = loadAgainst(registry, readObject(world.object('consumer')), world.sys, {
            ...NO_PINS,
            name: 'user',
            via: 'copy',
          });
          if (user.bindings.length !== 1) throw new Error('nothing was bound');
        }
        if (store.list().length !== 1) throw new Error('there are other entries');
        store.remove(provider);
      },
    })),
  ];
}

function commands(world: World): Subject[] {
  const lines = (what: string, open: (at: number) => Promise<void>, every?: number): Subject =>
    subject(`commands: ${what}`, () => ({ cycle: open }), every);
  const attach = ['attach', 'xdp', IFACE, '--mode', 'generic', '--name', 'R'];
  return [
    lines(
      'load, replace, ps, unload',
      async () => {
        await world.must('load', 'a.o', '--name', 'O');
        await world.must('replace', 'O', 'c.o');
        await world.must('ps');
        await world.must('unload', 'O');
      },
      4,
    ),
    lines(
      'attach, replace, refused, detach',
      async () => {
        await world.must(...attach, 'a.o');
        await world.must('replace', 'R', 'c.o');
        await world.expect(3, 'replace', 'R', 'refused.o');
        await world.must('detach', 'R');
      },
      4,
    ),
    ...(['static', 'tail'] as const).map(via =>
      lines(
        `attach, fill, reset, detach: ${via} slots`,
        async () => {
          await world.must(...attach, 'host.o', '--slots', via);
          await world.must('replace', 'R', 'slot1=a.o');
          await world.must('replace', 'R', '--reset', 'slot1');
          await world.must('detach', 'R');
        },
        4,
      ),
    ),
    lines('refused', async () => {
      await world.expect(3, ...attach, 'refused.o');
      await world.expect(3, 'load', 'refused.o', '--name', 'O');
    }),
  ];
}
