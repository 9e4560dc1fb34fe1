import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { randomSource } from '../testing.ts';
import { CaptureDecoder } from './decoder.ts';
import type { Timestamp } from './record.ts';
import { PcapWriter } from './writer.ts';

interface Taken {
  readonly number: number;
  readonly bytes: readonly number[];
  readonly originalLength: number;
  readonly timestamp: Timestamp | undefined;
}

/**
 * All packets of a file that arrives in chunks of `size` bytes, in a buffer that is used again, and how it
 * ended.
 */
function decode(file: Uint8Array, size = file.length) {
  const decoder = new CaptureDecoder('x.pcap');
  const buffer = new Uint8Array(Math.max(size, 1));
  const packets: Taken[] = [];
  for (let at = 0; at < file.length; at += size) {
    const chunk = file.subarray(at, at + size);
    buffer.set(chunk);
    decoder.push(buffer.subarray(0, chunk.length));
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      const { number, bytes, offset, length, originalLength, timestamp } = packet;
      packets.push({
        number,
        bytes: [...bytes.subarray(offset, offset + length)],
        originalLength,
        timestamp,
      });
    }
  }
  return { packets, end: decoder.end(), nanoseconds: decoder.nanoseconds };
}

/** Numbers of given widths as bytes: `[value, bytes]`. */
function pack(little: boolean, ...fields: readonly (readonly [number, number] | Uint8Array)[]): Uint8Array {
  const parts = fields.map(field => {
    if (field instanceof Uint8Array) return field;
    const [value, width] = field;
    const bytes = Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
    return Uint8Array.from(little ? bytes : bytes.reverse());
  });
  return Uint8Array.from(parts.flatMap(part => [...part]));
}

const PACKET = Uint8Array.from({ length: 61 }, (_, i) => i);

function pcap(little: boolean, magic: number, linkType = 1, fraction = 250_000): Uint8Array {
  const record = pack(little, [1_700_000_000, 4], [fraction, 4], [61, 4], [99, 4], PACKET);
  const header = pack(little, [magic, 4], [2, 2], [4, 2], [0, 4], [0, 4], [65535, 4], [linkType, 4]);
  return Uint8Array.from([...header, ...record, ...record]);
}

function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(body.length / 4) * 4);
  padded.set(body);
  return pack(little, [type, 4], [padded.length + 12, 4], padded, [padded.length + 12, 4]);
}

const NO_BYTES = new Uint8Array(0);

function pcapng(
  little: boolean,
  options: Uint8Array = NO_BYTES,
  linkType = 1,
  ticks = [0, 5000],
): Uint8Array {
  const section = block(
    little,
    0x0a0d0d0a,
    pack(little, [0x1a2b3c4d, 4], [1, 2], [0, 2], [0xffffffff, 4], [0xffffffff, 4]),
  );
  const description = block(little, 1, pack(little, [linkType, 2], [0, 2], [0, 4], options));
  const time = [ticks[0] ?? 0, ticks[1] ?? 0];
  const enhanced = block(
    little,
    6,
    pack(little, [0, 4], [time[0] ?? 0, 4], [time[1] ?? 0, 4], [61, 4], [99, 4], PACKET),
  );
  const simple = block(little, 3, pack(little, [61, 4], PACKET));
  const unknown = block(little, 0xbad, pack(little, [1, 4]));
  const old = block(
    little,
    2,
    pack(little, [0, 2], [7, 2], [0, 4], [1_000_000, 4], [61, 4], [61, 4], PACKET),
  );
  return Uint8Array.from([...section, ...description, ...unknown, ...enhanced, ...simple, ...old]);
}

const BYTES = [...PACKET];

describe.each([true, false])('pcap, little endian: %s', little => {
  test.each([
    ['microseconds', 0xa1b2c3d4, 250_000_000, false],
    ['nanoseconds', 0xa1b23c4d, 250_000, true],
  ])('%s', (_, magic, nanoseconds, fine) => {
    const timestamp = { seconds: 1_700_000_000, nanoseconds };
    const expected = [1, 2].map(number => ({ number, bytes: BYTES, originalLength: 99, timestamp }));
    for (const size of [1, 7, 24, 77, 1000]) {
      expect(decode(pcap(little, magic), size)).toEqual({
        packets: expected,
        end: undefined,
        nanoseconds: fine,
      });
    }
  });

  test('a fraction of more than a second', () => {
    const { packets } = decode(pcap(little, 0xa1b2c3d4, 1, 2_250_000));
    expect(packets[0]?.timestamp).toEqual({ seconds: 1_700_000_002, nanoseconds: 250_000_000 });
  });

  test('a checksum length beside the link type', () => {
    expect(decode(pcap(little, 0xa1b2c3d4, 0x50000001)).packets).toHaveLength(2);
  });
});

describe.each([true, false])('pcapng, little endian: %s', little => {
  test('enhanced, simple and obsolete packets; other blocks are skipped', () => {
    const expected = [
      { number: 1, bytes: BYTES, originalLength: 99, timestamp: { seconds: 0, nanoseconds: 5_000_000 } },
      { number: 2, bytes: BYTES, originalLength: 61, timestamp: undefined },
      { number: 3, bytes: BYTES, originalLength: 61, timestamp: { seconds: 1, nanoseconds: 0 } },
    ];
    for (const size of [1, 13, 64, 1000]) {
      expect(decode(pcapng(little), size)).toEqual({ packets: expected, end: undefined, nanoseconds: false });
    }
  });

  test.each([
    ['nanoseconds', 9, [0, 1_500_000_001], { seconds: 1, nanoseconds: 500_000_001 }],
    ['seconds', 0, [0, 7], { seconds: 7, nanoseconds: 0 }],
    ['1/1024 of a second', 0x80 | 10, [0, 1536], { seconds: 1, nanoseconds: 500_000_000 }],
    ['more than 32 bits', 9, [0x17979cfe, 0x362a0000], { seconds: 1_700_000_000, nanoseconds: 0 }],
  ])('times in %s', (_, resolution, ticks, timestamp) => {
    const option = pack(little, [9, 2], [1, 2], [resolution, 1], [0, 3], [0, 2], [0, 2]);
    expect(decode(pcapng(little, option, 1, ticks)).packets[0]?.timestamp).toEqual(timestamp);
  });

  test('an offset of all times', () => {
    const option = pack(
      little,
      [14, 2],
      [8, 2],
      ...(little
        ? [
            [100, 4],
            [0, 4],
          ]
        : [
            [0, 4],
            [100, 4],
          ]
      ).map(pair => [pair[0] ?? 0, pair[1] ?? 0] as const),
    );
    expect(decode(pcapng(little, option)).packets[0]?.timestamp).toEqual({
      seconds: 100,
      nanoseconds: 5_000_000,
    });
  });

  test('a second section starts again', () => {
    const twice = Uint8Array.from([...pcapng(little), ...pcapng(!little)]);
    expect(decode(twice).packets.map(packet => packet.number)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

/** The file with a number of 4 bytes, little endian, replaced. */
function changed(file: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = file.slice();
  new DataView(copy.buffer).setUint32(offset, value, true);
  return copy;
}

describe('what is not a capture', () => {
  const plain = pcap(true, 0xa1b2c3d4);
  test.each<readonly [string, Uint8Array, string]>([
    ['nothing', NO_BYTES, 'capture-format: x.pcap: is too short for a capture (0 bytes)'],
    ['too little', plain.subarray(0, 20), 'capture-format: x.pcap: is too short for a capture (20 bytes)'],
    ['something else', new Uint8Array(100), 'capture-format: x.pcap: is neither pcap nor pcapng'],
    ['gzip', Uint8Array.from([0x1f, 0x8b, ...new Array(50).fill(0)]), 'gunzip it first'],
    ['another version', changed(plain, 4, 3), 'capture-version: x.pcap: is pcap version 3, not 2'],
    [
      'raw IP',
      pcap(true, 0xa1b2c3d4, 101),
      'capture-link-type: x.pcap: has link type 101 (raw IP), not Ethernet',
    ],
    [
      'the interface "any"',
      pcap(true, 0xa1b2c3d4, 276),
      'link type 276 (Linux cooked capture v2), not Ethernet (offset 0x14)\n  hint: packets need an Ethernet header',
    ],
    ['an unknown link type', pcap(true, 0xa1b2c3d4, 250), 'has link type 250, not Ethernet'],
    [
      'a packet too long to be one',
      changed(plain, 32, 0x7fffffff),
      'capture-packet-size: x.pcap: packet 1: declares 2147483647 bytes',
    ],
    [
      'a pcapng of another link type',
      pcapng(true, NO_BYTES, 113),
      'capture-link-type: x.pcap: interface 0 has link type 113',
    ],
    [
      'a section without a byte order',
      changed(pcapng(true), 8, 0),
      'capture-block: x.pcap: a section header has no byte order',
    ],
    [
      'a block of 13 bytes',
      changed(pcapng(true), 28 + 4, 13),
      'capture-block: x.pcap: a block declares 13 bytes (offset 0x1c)',
    ],
    ['a block with two lengths', changed(pcapng(true), 28 + 16, 24), 'the two lengths of a block differ'],
    [
      'an interface that is not described',
      changed(pcapng(true), 28 + 20 + 16 + 8, 3),
      'a packet names interface 3, which is not described',
    ],
    [
      'a packet larger than its block',
      changed(pcapng(true), 28 + 20 + 16 + 20, 65),
      'capture-packet-size: x.pcap: a packet of 65 bytes does not fit in its block',
    ],
  ])('%s', (_, file, message) => {
    expect(codeOf(() => decode(file))).toContain(message);
  });

  test('the end of a file that was cut anywhere is reported, with all whole packets before it', () => {
    for (const file of [plain, pcapng(false)]) {
      for (let length = 24; length < file.length; length++) {
        const { packets, end } = decode(file.subarray(0, length), 50);
        expect(packets.every(packet => packet.bytes.length === 61)).toBe(true);
        if (end !== undefined) expect(end).toMatchObject({ code: 'capture-truncated', class: 'input' });
      }
    }
    expect(decode(plain.subarray(0, plain.length - 1)).end?.message).toBe(
      'ends in the middle of a packet, 76 bytes of which are there',
    );
  });

  test('random damage gives errors with a code and nothing else', () => {
    const random = randomSource(5);
    for (const file of [plain, pcap(false, 0xa1b23c4d), pcapng(true), pcapng(false)]) {
      for (let round = 0; round < 500; round++) {
        const copy = file.slice();
        for (let hits = 1 + random(4); hits > 0; hits--) copy[random(copy.length)] = random(256);
        expect(codeOf(() => decode(copy, 1 + random(200)))).toMatch(/^(no error|capture-[a-z-]+: )/);
      }
    }
  });
});

describe('writing', () => {
  test.each([true, false])('what is written is read again, nanoseconds: %s', nanoseconds => {
    const chunks: number[] = [];
    const writer = new PcapWriter(bytes => chunks.push(...bytes), nanoseconds);
    writer.write(PACKET, { seconds: 5, nanoseconds: 123_456_789 });
    writer.write(PACKET.subarray(0, 14));
    writer.flush();
    const file = Uint8Array.from(chunks);
    expect(decode(file)).toEqual({
      packets: [
        {
          number: 1,
          bytes: BYTES,
          originalLength: 61,
          timestamp: { seconds: 5, nanoseconds: nanoseconds ? 123_456_789 : 123_456_000 },
        },
        {
          number: 2,
          bytes: BYTES.slice(0, 14),
          originalLength: 14,
          timestamp: { seconds: 0, nanoseconds: 0 },
        },
      ],
      end: undefined,
      nanoseconds,
    });
  });

  test('large files go out in pieces', () => {
    let pieces = 0;
    let total = 0;
    const writer = new PcapWriter(bytes => {
      pieces++;
      total += bytes.length;
    }, false);
    for (let i = 0; i < 3000; i++) writer.write(new Uint8Array(1500));
    writer.flush();
    writer.flush();
    expect(total).toBe(24 + 3000 * 1516);
    expect(pieces).toBe(5);
  });
});
