/**
 * What Debian's xdp-loader (libxdp 1.3.1) does, which chains by libxdp's protocol have to agree with: its text, pins and
 * configuration, the verdicts of its dispatcher, and what is left after failures.
 */

import { mkdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openById, readProgramInfo } from '../../src/kernel/objects/info.ts';
import {
  type MemberSpec,
  memberName,
  memberPacket,
  membersThatRan,
  programFile,
} from '../support/chain-members.ts';
import {
  actionsOf,
  configOfVersion2,
  onlyAt,
  passThrough,
  STATUS_HEAD,
  UNREPLACED,
} from '../support/xdp-loader.ts';
import { openFrames } from './guest/frames.ts';
import { sys } from './guest/kernel.ts';
import { expectedPins, openPeer, PEER_PINS, peerPins } from './guest/xdp-tools.ts';

const DROP = 1;
const PASS = 2;
const TX = 3;
const EXT = 28;
const [E2BIG, EACCES, EBUSY] = [249, 243, 240];

const peer = openPeer();
afterEach(() => {
  if (peer.attached() !== 0) peer.run('unload', '--all', 'near');
  peer.must('clean');
});
afterAll(() => peer.close());

/** Members in the order of their numbers. */
function members(count: number, mask: (position: number) => number = () => 1 << PASS): MemberSpec[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    priority: 10 + number,
    mask: mask(number),
  }));
}

const masksOf = (specs: readonly MemberSpec[]) => specs.map(({ mask = 1 << PASS }) => mask);

describe('what it builds', () => {
  test('status, pins and configuration', () => {
    const specs = members(3, number => 31 >> number);
    peer.load(...specs);
    const text = peer.must('status', 'near');
    const { program, members: rows } = peer.status();
    expect(program).toMatchObject({ name: 'xdp_dispatcher', mode: 'native', id: peer.attached() });
    expect(rows.map(({ name, priority, actions }) => ({ name, priority, actions }))).toEqual(
      specs.map(spec => ({
        name: memberName(spec),
        priority: spec.priority,
        actions: actionsOf(spec.mask ?? 0),
      })),
    );
    const cells = rows.map(
      ({ priority, name, id, tag, actions }) =>
        ` =>              ${String(priority).padEnd(5)}  ${name.padEnd(16)}          ${String(id).padEnd(4)} ${tag}  ${actions.join(',')}\n`,
    );
    const own = `near                   xdp_dispatcher    native   ${String(program?.id).padEnd(4)} ${program?.tag} \n`;
    expect(text).toBe(`${STATUS_HEAD}${own}${cells.join('')}\n`);
    expect(peerPins()).toEqual(expectedPins(peer.ifindex, peer.attached(), 3));
    expect(peer.config()).toEqual(
      configOfVersion2(specs.map(({ priority = 50, mask = 0 }) => ({ priority, mask }))),
    );
  });

  test('an interface without a program has a row of its own', () => {
    expect(peer.must('status', 'near')).toBe(
      `${STATUS_HEAD}near                   <No XDP program loaded!>\n\n`,
    );
    expect(peer.must('status')).toBe(
      `${STATUS_HEAD}lo                     <No XDP program loaded!>\nnear                   <No XDP program loaded!>\n\n`,
    );
  });

  test('members run by priority, equal ones by name; a set grows and shrinks around those that stay', () => {
    const [late, early, alone] = [
      { number: 0, name: 'member_zzzzzz' },
      { number: 1, name: 'member_aaaaaa' },
      { number: 2, name: 'member_middle', priority: 7 },
    ] as const;
    const shown = () => peer.status().members.map(({ name }) => name);
    peer.load(late);
    const { id: first = 0 } = peer.status().members[0] ?? {};
    peer.load(early);
    peer.load(alone);
    expect(shown()).toEqual(['member_middle', 'member_aaaaaa', 'member_zzzzzz']);
    expect(peer.pass([[PASS, PASS, PASS]])).toEqual([{ verdict: PASS, ran: [2, 1, 0] }]);
    const rows = peer.status().members;
    expect(rows[2]?.id, 'loaded once').toBe(first);
    peer.must('unload', '--id', String(rows[1]?.id), 'near');
    expect(shown()).toEqual(['member_middle', 'member_zzzzzz']);
    peer.must('unload', '--id', String(rows[0]?.id), 'near');
    expect(peerPins()).toEqual(expectedPins(peer.ifindex, peer.attached(), 1));
    peer.must('unload', '--id', String(first), 'near');
    expect([peer.attached(), peerPins()]).toEqual([0, {}]);
  });

  test('options take the place of the run configuration; priority 0 is none', () => {
    peer.must('load', '-P', '33', '-A', 'XDP_DROP,XDP_TX', 'near', peer.file({ number: 0, priority: 10 }));
    peer.must('load', '-P', '0', 'near', peer.file({ number: 1, priority: 40, mask: 0 }));
    expect(peer.config()).toEqual(
      configOfVersion2([
        { priority: 33, mask: (1 << DROP) | (1 << TX) },
        { priority: 40, mask: 0 },
      ]),
    );
    // a member without actions is shown with those of the row before
    expect(peer.status().members.map(({ actions }) => actions)).toEqual([
      ['XDP_DROP', 'XDP_TX'],
      ['XDP_DROP', 'XDP_TX'],
    ]);
  });

  test('the same program twice is two members', () => {
    peer.load({ number: 0 }, { number: 0 });
    const [one, other] = peer.status().members;
    expect(one?.name).toBe(other?.name);
    expect(one?.id).not.toBe(other?.id);
  });

  test('what the kernel has of a member: type EXT, and 15 characters of a name that status shows whole', () => {
    const file = programFile('chain_others');
    peer.must('load', '--prog-name', 'member_whose_name_is_long', 'near', file);
    const [row] = peer.status().members;
    expect(row?.name).toBe('member_whose_name_is_long');
    using fd = openById(sys, 'program', row?.id ?? 0);
    expect(readProgramInfo(sys, fd?.number ?? -1)).toMatchObject({ name: 'member_whose_na', type: EXT });
  });
});

describe('verdicts of its dispatcher', () => {
  /** 32 and above only show how the code takes the number of a bit. */
  const codes = [0, 1, 2, 3, 4, 5, 30, 31, 32, 34, 63, 64, 66, 95, 255];

  test('one member runs alone: its verdict is that of the set, whatever its mask', () => {
    for (const mask of [0, 1 << PASS, 31]) {
      const [spec] = members(1, () => mask);
      if (spec === undefined) throw new Error('one member');
      peer.load(spec);
      expect(peer.pass(codes.map(code => [code]))).toEqual(codes.map(code => passThrough([mask], [code])));
      peer.unload();
    }
  });

  test('a second member changes the verdict of the first', () => {
    const specs = members(2, number => (number === 0 ? 1 << DROP : 1 << PASS));
    peer.load(...specs.slice(0, 1));
    expect(peer.pass([[DROP, PASS]])).toEqual([{ verdict: DROP, ran: [0] }]);
    peer.load(...specs.slice(1));
    expect(peer.pass([[DROP, PASS]])).toEqual([{ verdict: PASS, ran: [0, 1] }]);
  });

  // every mask at every place: test/e2e/chain/peer-verdicts.test.ts
  test('every code at every place, every mask at some', () => {
    const count = 10;
    for (let turn = 0; turn < 4; turn++) {
      const specs = members(count, place => (turn * count + place) % 32);
      peer.load(...specs);
      const inputs = specs.flatMap(({ number }) => codes.map(code => onlyAt(number, code, count)));
      expect(peer.pass(inputs)).toEqual(inputs.map(verdicts => passThrough(masksOf(specs), verdicts)));
      peer.unload();
    }
  });

  test('frames of a wire meet the members as packets of test runs do', () => {
    peer.load(...members(3));
    using frames = openFrames(peer.wire);
    const sent = [[PASS, DROP], [DROP], [PASS, UNREPLACED, PASS]].map((verdicts, index) => {
      const frame = memberPacket(verdicts);
      frame[frame.length - 1] = index;
      return frame;
    });
    const arrived = frames.send(sent).map(frame => [frame.at(-1), ...membersThatRan(frame)]);
    expect(arrived).toEqual([[2, 0, 1, 2]]);
  });
});

describe('what fails', () => {
  const loaded = () => {
    peer.load(...members(10));
    return { id: peer.attached(), pins: peerPins(), status: peer.status() };
  };
  const now = () => ({ id: peer.attached(), pins: peerPins(), status: peer.status() });

  test('an eleventh member, and eleven at once', () => {
    const before = loaded();
    const eleven = members(11).map(spec => peer.file(spec));
    expect(peer.run('load', 'near', ...eleven.slice(10))).toMatchObject({
      status: E2BIG,
      err: "Couldn't attach XDP program on iface 'near': Argument list too long(-7)\n",
    });
    expect(now()).toEqual(before);
    peer.unload();
    expect(peer.run('load', 'near', ...eleven).status).toBe(E2BIG);
    expect([peer.attached(), peerPins()]).toEqual([0, {}]);
  });

  test('a member that the verifier refuses', () => {
    peer.load(...members(2));
    const before = now();
    const words = ['load', '--prog-name', 'refused_by_the_verifier', 'near', programFile('chain_others')];
    expect(peer.run(...words)).toMatchObject({
      status: EACCES,
      err: "Couldn't attach XDP program on iface 'near': Permission denied(-13)\n",
    });
    expect(now()).toEqual(before);
  });

  test('another mode, after all attempts', () => {
    peer.must('load', '-m', 'skb', 'near', peer.file({ number: 0 }));
    const before = now();
    expect(peer.run('load', 'near', peer.file({ number: 1 }))).toMatchObject({ status: EBUSY });
    expect(now()).toEqual(before);
    expect(before.status.program?.mode).toBe('skb');
  });

  test('what it refuses to remove', () => {
    expect(peer.run('unload', '--all', 'near')).toMatchObject({
      status: 1,
      err: 'No XDP program loaded on near\n',
    });
    peer.load({ number: 0 });
    expect(peer.run('unload', '--id', '99999', 'near')).toMatchObject({
      status: 1,
      err: 'Program with ID 99999 not loaded on near\n',
    });
    expect(peer.run('unload', 'near')).toMatchObject({ status: 1, err: 'Need prog ID or --all\n' });
  });

  test('of commands at the same time one succeeds', async () => {
    const files = members(4).map(spec => peer.file(spec));
    const all = await Promise.all(files.map(file => peer.start('load', 'near', file)));
    const failed = all.filter(({ status }) => status !== 0);
    expect(failed.length).toBeLessThan(4);
    for (const { err } of failed) expect(err).toMatch(/PID|lockfile|busy/);
    expect(peer.status().members).toHaveLength(4 - failed.length);
    expect(peerPins()).toEqual(expectedPins(peer.ifindex, peer.attached(), 4 - failed.length));
  });
});

describe('pins', () => {
  test('clean removes directories of dispatchers that are not on their interface, with all in them', () => {
    peer.load(...members(2));
    const pins = peerPins();
    const others = [`dispatch-${peer.ifindex}-999999`, 'dispatch-7777-5', 'other'];
    for (const name of others) mkdirSync(join(PEER_PINS, name));
    expect(peer.must('clean')).toBe('Cleaning up detached XDP program links for all interfaces\n');
    expect(peerPins()).toEqual({ ...pins, other: [] });
    rmSync(join(PEER_PINS, 'other'), { recursive: true });
  });

  test('clean in another network namespace takes the members of a set that runs', () => {
    const specs = members(2);
    peer.load(...specs);
    expect(peer.pass([[DROP, PASS]])).toEqual([{ verdict: DROP, ran: [0] }]);
    const { status } = peer.wire.beyond(() => peer.runHere('clean'));
    expect([status, peerPins()]).toEqual([0, {}]);
    expect(peer.pass([[DROP, PASS]])).toEqual([{ verdict: PASS, ran: [] }]);
    expect(peer.status()).toMatchObject({ program: { name: 'xdp_dispatcher' }, members: [] });
  });

  test('without one of its links a member is listed, and does not run', () => {
    peer.load(...members(2));
    unlinkSync(join(PEER_PINS, `dispatch-${peer.ifindex}-${peer.attached()}`, 'prog0-link'));
    expect(peer.pass([[DROP, PASS]])).toEqual([{ verdict: PASS, ran: [1] }]);
    expect(peer.status().members).toHaveLength(2);
    const { status, err } = peer.run('unload', '--all', 'near');
    expect([status, err]).toEqual([1, expect.stringContaining("Couldn't unlink file")]);
    expect(Object.values(peerPins()).flat()).toEqual(['prog0-prog', 'prog1-link', 'prog1-prog']);
    peer.must('clean');
    expect(peerPins()).toEqual({});
  });
});
