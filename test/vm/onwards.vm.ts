/** Programs that are not attached: maps of devices and processors, routes and actions send them packets. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { readInterface } from '../../src/kernel/hooks/interface.ts';
import { encodeU32s } from '../../src/kernel/sys/sys.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { sys } from './guest/kernel.ts';
import { openWire, type Wire } from './guest/net.ts';
import { vmObject } from './guest/objects.ts';
import { refusal } from './guest/replacing.ts';

const PINS = '/sys/fs/bpf/vm-onwards';
const run = (command: string, ...args: string[]) => void execFileSync(command, args, { stdio: 'pipe' });

let wire: Wire;
let loaded: LoadedObject;
beforeAll(() => {
  wire = openWire();
  loaded = loadObject(vmObject('onwards'), sys, { pinRoot: null });
  mkdirSync(PINS);
});
afterAll(() => {
  rmSync(PINS, { recursive: true });
  loaded.close();
  wire.close();
});

const numbers = (...names: string[]) => names.map(name => Number(loaded.variables.get(name)));
const fdOf = (program: string): number => loaded.program(program).fd.number;

describe('maps', () => {
  const second = (value: Uint8Array | undefined): number => Buffer.from(value ?? []).readUInt32LE(4);

  test('of devices: their program has each packet that goes there', () => {
    const { index } = wire.inside(() => readInterface(sys, 'near'));
    const map = loaded.map('ports');
    wire.inside(() => map.update(encodeU32s([0]), encodeU32s([index, fdOf('in_devices')])));
    expect(second(map.lookup(encodeU32s([0])))).toBe(loaded.program('in_devices').info().id);
    // veth takes such packets only when the other end looks at them in the driver too
    using _peer = wire.beyond(() =>
      attachProgram(loaded, 'to_processor', { interface: 'far', mode: 'native' }),
    );
    using _attached = wire.inside(() =>
      attachProgram(loaded, 'to_device', { interface: 'near', mode: 'native' }),
    );
    wire.send(3);
    expect(numbers('redirected', 'at_device', 'from_device')).toEqual([3, 3, index]);
    map.delete(encodeU32s([0]));
  });

  test('of processors: the same', async () => {
    const map = loaded.map('processors');
    map.update(encodeU32s([0]), encodeU32s([64, fdOf('in_processors')]));
    loaded.variables.set('redirected', 0);
    {
      using _attached = wire.inside(() =>
        attachProgram(loaded, 'to_processor', { interface: 'near', mode: 'native' }),
      );
      wire.send(3);
      for (let n = 0; n < 100 && numbers('at_processor')[0] !== 3; n++)
        await new Promise(resolve => setTimeout(resolve, 20));
    }
    expect(numbers('redirected', 'at_processor')).toEqual([3, 3]);
    map.delete(encodeU32s([0]));
  });

  test('refuse programs that were not made for them', () => {
    const { index } = wire.inside(() => readInterface(sys, 'near'));
    const value = encodeU32s([index, fdOf('to_device')]);
    expect(() => wire.inside(() => loaded.map('ports').update(encodeU32s([0]), value))).toThrow(
      expect.objectContaining({ code: 'kernel-map-access' }),
    );
  });
});

describe('what others name by a pin, as the error for attaching says', () => {
  const pinned = (program: string): string => {
    const path = `${PINS}/${program}`;
    loaded.program(program).pin(path);
    return path;
  };
  const hintFor = (program: string): string =>
    refusal(() => attachProgram(loaded, program)).problems[0]?.hint ?? 'none';

  test.each([
    ['out', 'outgoing'],
    ['xmit', 'sent'],
  ])('routes: %s', (way, counter) => {
    expect(hintFor(`route_${way}`)).toContain(`encap bpf ${way} pinned PATH`);
    const route = ['route', 'replace', '10.79.0.0/24', 'encap', 'bpf', way, 'pinned', pinned(`route_${way}`)];
    wire.inside(() => run('ip', ...route, 'via', '10.77.0.2', 'dev', 'near'));
    wire.inside(() => run('bash', '-c', 'echo x >/dev/udp/10.79.0.5/9; echo x >/dev/udp/10.79.0.6/9'));
    expect(numbers(counter)).toEqual([2]);
    wire.inside(() => run('ip', 'route', 'del', '10.79.0.0/24'));
  });

  test('routes: in', () => {
    expect(hintFor('route_in')).toContain('encap bpf in pinned PATH');
    wire.inside(() => writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
    const route = ['route', 'add', '10.79.0.0/24', 'encap', 'bpf', 'in', 'pinned', pinned('route_in')];
    wire.inside(() => run('ip', ...route, 'via', '10.77.0.2', 'dev', 'near'));
    wire.beyond(() => run('ip', 'route', 'add', '10.79.0.0/24', 'via', '10.77.0.1'));
    wire.beyond(() => run('bash', '-c', 'echo x >/dev/udp/10.79.0.5/9'));
    expect(numbers('incoming')).toEqual([1]);
    wire.inside(() => run('ip', 'route', 'del', '10.79.0.0/24'));
  });

  test('actions of filters', () => {
    expect(hintFor('act')).toContain('action bpf object-pinned PATH');
    const [every, act] = [pinned('every'), pinned('act')];
    wire.inside(() => {
      run('tc', 'qdisc', 'add', 'dev', 'near', 'clsact');
      const filter = ['bpf', 'object-pinned', every, 'flowid', '1:1', 'action', 'bpf', 'object-pinned', act];
      run('tc', 'filter', 'add', 'dev', 'near', 'ingress', ...filter);
    });
    wire.send(2);
    expect(numbers('marked')).toEqual([2]);
    wire.inside(() => run('tc', 'qdisc', 'del', 'dev', 'near', 'clsact'));
  });
});
