import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeSys } from '../kernel/sys/fake.ts';
import { decodeU32s, encodeU32s, type Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import * as uapi from '../kernel/uapi/uapi.ts';
import { executeLoad } from '../load/execute/execute.ts';
import { loadObject } from '../load/load.ts';
import { planLoad } from '../load/plan/object.ts';
import { preparedAlone } from '../load/plan/prepared.ts';
import { readObject } from '../object/read/read.ts';
import * as commands from '../uapi/commands.ts';
import { attachProgram } from './kinds/attach.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const HOOKS = readObject({
  name: 'hooks.bpf.o',
  bytes: readFileSync(join(import.meta.dirname, '../load/testdata/obj/el/hooks.bpf.o')),
});
const only = (name: string) => ({ programs: (program: string) => program === name });

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;

/** A socket on the loopback interface of this machine, at a port of its own. */
function localSocket(type: number): { fd: number; address: Uint8Array } {
  const fd = kernel.syscall('socket', AF_INET, type, 0);
  const address = Uint8Array.from([AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  const one = encodeU32s([1]);
  kernel.syscall('setsockopt', fd, SOL_SOCKET, SO_REUSEPORT, one, 4);
  expect(kernel.syscall('bind', fd, address, address.length)).toBe(0);
  const length = encodeU32s([address.length]);
  kernel.syscall('getsockname', fd, address, length);
  return { fd, address };
}

const close = (fd: number) => void kernel.syscall('close', fd);

/** The descriptor of a socket of node:net, which its types do not show. */
function fdOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  return Number(handle && Reflect.get(Object(handle), 'fd'));
}

const later = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds));

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('a filter of a socket: dropped, replaced in one step, taken off', () => {
    const before = countFds();
    {
      using object = loadObject(HOOKS, kernel);
      const { fd, address } = localSocket(SOCK_DGRAM);
      const echo = () => {
        const data = encodeU32s([1]);
        kernel.syscall('sendto', fd, data, data.length, 0, address, address.length);
        return kernel.syscall('recvfrom', fd, data, data.length, MSG_DONTWAIT, 0, 0);
      };
      expect(echo()).toBe(4);
      const attached = attachProgram(object, 'drop_all', { socket: fd });
      expect(attached).toMatchObject({ link: null, lasting: false });
      expect(echo()).toBe(-11);
      attached.update(object.program('keep_all'), null);
      expect(echo()).toBe(4);
      expect(object.variables.get('hits')).toBe(2);
      attached.detach(null);
      attached.detach(null);
      attached.close();
      expect(echo()).toBe(4);
      expect(object.variables.get('hits')).toBe(2);
      close(fd);
    }
    expect(countFds()).toBe(before);
  });

  test('a group of sockets that share a port', () => {
    using object = loadObject(HOOKS, kernel);
    const { fd, address } = localSocket(SOCK_DGRAM);
    using attached = attachProgram(object, 'choose', { socket: fd });
    const data = encodeU32s([1]);
    kernel.syscall('sendto', fd, data, data.length, 0, address, address.length);
    expect(object.variables.get('hits')).toBe(1);
    attached.detach(null);
    kernel.syscall('sendto', fd, data, data.length, 0, address, address.length);
    expect(object.variables.get('hits')).toBe(1);
    close(fd);
  });

  test('what is not a socket is refused, saying what was tried', () => {
    using object = loadObject(HOOKS, kernel);
    const map = object.map('sockets').fd.number;
    expect(() => attachProgram(object, 'drop_all', { socket: map })).toThrow(/filter of socket.*ENOTSOCK/);
    const { fd } = localSocket(SOCK_STREAM);
    expect(() => attachProgram(object, 'message', { sockmap: fd })).toThrow(
      expect.objectContaining({ code: 'kernel-attach' }),
    );
    close(fd);
  });

  test('maps of sockets: programs see what their sockets send and receive', async () => {
    using object = loadObject(HOOKS, kernel);
    const server = createServer(socket => socket.on('data', data => socket.write(data)));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    await new Promise(resolve => client.once('connect', resolve));
    const echoed = () => {
      const answer = new Promise(resolve => client.once('data', resolve));
      client.write('hello');
      return answer;
    };
    {
      using message = attachProgram(object, 'message', { sockmap: 'sockets' });
      object.map('sockets').update(encodeU32s([0]), encodeU32s([fdOf(client), 0]));
      await echoed();
      expect(object.variables.get('hits')).toBe(1);
      expect(message.place).toBe('map of sockets');
      object.map('sockets').delete(encodeU32s([0]));
    }
    {
      using _stream = attachProgram(object, 'stream', { sockmap: object.map('sockets').fd.number });
      object.map('sockets').update(encodeU32s([0]), encodeU32s([fdOf(client), 0]));
      await echoed();
      expect(object.variables.get('hits')).toBeGreaterThan(1);
      object.map('sockets').delete(encodeU32s([0]));
    }
    const before = object.variables.get('hits');
    await echoed();
    expect(object.variables.get('hits')).toBe(before);
    client.destroy();
    await new Promise(resolve => server.close(resolve));
  });

  test('a clock of one process, with a cookie', async () => {
    const before = countFds();
    const child = spawn('sh', ['-c', 'while :; do :; done']);
    try {
      using object = loadObject(HOOKS, kernel);
      const perfEvent = { type: 1, config: 0n, period: 1_000_000, pid: child.pid ?? 0, cpu: -1 };
      using attached = attachProgram(object, 'tick', { perfEvent, cookie: 0x1234n });
      expect(attached.link).not.toBeNull();
      for (let n = 0; n < 200 && object.variables.get('hits') === 0; n++) await later(10);
      expect(object.variables.get('hits')).toBeGreaterThan(0);
      expect(object.variables.get('cookie')).toBe(0x1234n);
      attached.close();
      const ran = object.variables.get('hits');
      await later(30);
      expect(object.variables.get('hits')).toBe(ran);
    } finally {
      child.kill('SIGKILL');
      await new Promise(resolve => child.once('close', resolve));
    }
    expect(countFds()).toBeLessThanOrEqual(before);
  });

  test.each([
    ['on_read', 7n],
    ['after_read', 0n],
    ['on_many', 7n],
  ])('%s: a function of a library, in one process', async (program, cookie) => {
    using object = loadObject(HOOKS, kernel, only(program));
    const child = spawn('sh', ['-c', 'while read line; do echo "$line"; done']);
    const say = () => {
      const answer = new Promise(resolve => child.stdout.once('data', resolve));
      child.stdin.write('x\n');
      return answer;
    };
    try {
      await say();
      expect(object.variables.get('hits')).toBe(0);
      const executable = { pid: child.pid ?? 0 };
      using attached = attachProgram(object, program, { executable, cookie });
      await say();
      expect(object.variables.get('hits')).toBeGreaterThan(0);
      if (program !== 'after_read') expect(object.variables.get('cookie')).toBe(cookie);
      attached.close();
      await say(); // the read that was waiting for this line began before
      const ran = object.variables.get('hits');
      await say();
      expect(object.variables.get('hits')).toBe(ran);
    } finally {
      child.kill('SIGKILL');
      await new Promise(resolve => child.once('close', resolve));
    }
  });

  test.each([
    [{ executable: { symbol: 'no_such_function' } }, /has no function "no_such_function"/],
    [
      { executable: { file: 'no-such-library.so' } },
      /"no-such-library.so" is not in any of the usual directories/,
    ],
    [{ executable: { file: '/etc/passwd' } }, /is not a 64-bit ELF file/],
  ])('a place that is not there: %j', (place, message) => {
    using object = loadObject(HOOKS, kernel);
    expect(() => attachProgram(object, 'on_read', place)).toThrow(message);
  });
});

describe('calls to the kernel', () => {
  /** Calls of attaching a program of the object, with a stand-in for the kernel. */
  function asked(
    name: string,
    place: Parameters<typeof attachProgram>[2] = {},
    answer?: ConstructorParameters<typeof FakeSys>[0],
  ) {
    const fake = new FakeSys(answer);
    const object = executeLoad(planLoad(preparedAlone(HOOKS), only(name)), fake);
    const from = fake.calls.length;
    const attached = attachProgram(object, name, place);
    return { fake, object, attached, calls: fake.calls.slice(from) };
  }
  const linkOf = (calls: readonly { command: number; attr: Uint8Array }[]) =>
    uapi.decodeAttr(
      uapi.LinkCreateAttr,
      calls.find(call => call.command === commands.BPF_LINK_CREATE)?.attr ?? new Uint8Array(0),
    );

  test('a cgroup LSM program goes to its cgroup', () => {
    const { calls } = asked('created', { cgroup: '/' });
    expect(linkOf(calls)).toMatchObject({ attach_type: 43 });
  });

  test('fentry with a cookie is a link of its own', () => {
    expect(linkOf(asked('entered', { cookie: 5n }).calls)).toMatchObject({
      attach_type: 24,
      target_fd: 0,
      wide: 5n,
    });
    expect(asked('entered').calls.map(call => call.command)).toEqual([commands.BPF_RAW_TRACEPOINT_OPEN]);
  });

  test('an iterator gets its target', () => {
    const { calls, fake } = asked('iterated', { iterator: { kind: 'task', pid: 77 } });
    const attr = uapi.decodeAttr(uapi.LinkCreateIterAttr, calls[0]?.attr ?? new Uint8Array(0));
    expect(attr.iter_info_len).toBe(16);
    expect(decodeU32s(fake.memory(attr.iter_info))).toEqual([0, 77, 0, 0]);
  });

  test.each([
    ['called', {}, /syscall\) are not attached|it runs on request/],
    ['noted', {}, /USDT/],
    ['tick', {}, /needs a perf event/],
    ['message', {}, /needs a map of sockets/],
    ['traced', { tracepoint: 'nonsense' }, /tracepoint "nonsense": this kernel shows no such tracepoint/],
    ['traced', { tracepoint: '../../../etc' }, /no such tracepoint/],
    ['created', {}, /needs a cgroup/],
    ['device', {}, /needs an interface/],
  ])('%s to %j is refused with what is missing', (name, place, message) => {
    expect(() => asked(name, place)).toThrow(message);
  });
});
