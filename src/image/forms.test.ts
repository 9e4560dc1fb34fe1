import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { RootletError } from '../diag/index.ts';
import { useCompiled } from './form.ts';
import { Image } from './image.ts';
import type { CompiledKernels } from './image-memory.ts';
import { ATOM, HEADER, NAME, SYMBOL, TYPE, UNIT } from './layout.ts';
import * as sort from './sort.kernel.ts';
import * as tables from './tables.kernel.ts';
import { compiledForTests, inEachForm } from './testing.ts';

const { wasm, script } = compiledForTests();
const FORMS: readonly (readonly [string, CompiledKernels, 'js' | 'wasm'])[] = [
  ['modules', { wasm: null, script: null }, 'js'],
  ['the script', { wasm: null, script }, 'js'],
  ['WebAssembly', { wasm, script: null }, 'wasm'],
];

let restore: (() => void) | undefined;
afterEach(() => {
  restore?.();
  restore = undefined;
  delete process.env['ROOTLET_CORE'];
});

function use(kernels: CompiledKernels, choice?: 'js' | 'wasm' | 'any'): void {
  restore = useCompiled(kernels, choice);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof RootletError ? error.code : String(error);
  }
  return '';
}

describe.each(FORMS)('an image whose kernels run as %s', (_, kernels, choice) => {
  test('works beside others', () => {
    use(kernels, choice);
    const images = Array.from({ length: 12 }, () => new Image());
    const functions = images.map(image => image.run(tables));
    for (let round = 0; round < 40; round++)
      for (const [index, image] of images.entries()) {
        expect(functions[index]?.addRows(ATOM.count, ATOM.width, index + 1)).toBe(1 + round * (index + 1));
        const unit = image.addUnit(`${index}/${round}`);
        image.set(UNIT.size, unit, index * 1000 + round);
        expect(image.nameText(image.intern(`name ${index} of ${round}`))).toBe(`name ${index} of ${round}`);
      }
    for (const [index, image] of images.entries()) {
      expect([image.count(UNIT), image.count(NAME)]).toEqual([41, 41]);
      const sizes = Array.from({ length: 40 }, (_row, round) => image.get(UNIT.size, round + 1));
      expect(sizes).toEqual(sizes.map((_size, round) => index * 1000 + round));
    }
  });

  test('has zero memory, whoever had it before', () => {
    use(kernels, choice);
    for (let round = 0; round < 6; round++) {
      const image = new Image();
      const at = image.run(tables).alloc(3 << 20);
      expect(image.bytes.subarray(at, at + (3 << 20)).every(byte => byte === 0)).toBe(true);
      image.bytes.fill(0xff, at, at + (3 << 20));
      if (round % 2 === 0) image.release();
    }
  });

  test('refuses access outside of memory as an internal error, and others go on', () => {
    use(kernels, choice);
    const image = new Image();
    const { intern } = image.run(tables);
    expect(codeOf(() => intern(0x7fff_fff0))).toBe('bug-invariant');
    expect(codeOf(() => intern(-1))).toBe('bug-invariant');
    const other = new Image();
    expect(other.nameText(other.intern('text'))).toBe('text');
  });

  test('refuses to be larger than its addresses', () => {
    use(kernels, choice);
    const { alloc } = new Image().run(tables);
    expect(codeOf(() => alloc(0x7fff_fff0))).toBe('image-limit');
    expect(codeOf(() => alloc(0x7ffe_ffff))).toBe('image-limit');
    expect(codeOf(() => alloc(-1))).toBe('image-limit');
  });

  test.each([
    [SYMBOL, 0x0400_0001], // of the first power of two above it, the columns take 0 bytes in 32 bits
    [ATOM, 0x0200_0001],
    [ATOM, 0x0fff_ffff],
    [UNIT, 0x1000_0000],
    [UNIT, 0x7fff_ffff],
  ])('refuses tables that are larger than that', (table, rows) => {
    use(kernels, choice);
    const image = new Image();
    expect(codeOf(() => image.addRows(table, rows))).toBe('image-limit');
    expect(image.count(table)).toBe(0);
  });

  test('stays in its memory once it is kept, which no other gets, also afterwards', () => {
    use(kernels, choice);
    const image = new Image();
    const kept = image.keep();
    expect(kept).toBe(choice === 'wasm');
    const unit = image.addUnit('kept');
    const { buffer } = image.words;
    const others = () => Array.from({ length: 12 }, () => new Image());
    expect(others().some(other => other.words.buffer === buffer)).toBe(false);
    expect([image.words.buffer === buffer, image.unitName(unit), image.count(UNIT)]).toEqual([
      true,
      'kept',
      2,
    ]);
    image.release();
    expect(others().some(other => other.words.buffer === buffer)).toBe(false);
  });

  test('is nothing once it is released', () => {
    use(kernels, choice);
    const image = new Image();
    const { alloc } = image.run(tables);
    image.release();
    expect(codeOf(() => image.get(UNIT.size, 1))).toBe('bug-invariant');
    expect(codeOf(() => alloc(1))).toBe('bug-invariant');
  });

  test('reads files of any length, whatever was expected', () => {
    use(kernels, choice);
    for (const [expected, actual] of [
      [0, 0],
      [0, 9],
      [9, 0],
      [15, 15],
      [16, 16],
      [100, 99],
      [10, 300_000],
      [5000, 16],
    ] as const) {
      const image = new Image();
      const contents = Uint8Array.from({ length: actual }, (_byte, at) => at * 7 + 1);
      let position = 0;
      let closed = 0;
      const read = (into: Uint8Array): number => {
        const part = contents.subarray(position, position + Math.min(into.length, 1000));
        into.set(part);
        position += part.length;
        return part.length;
      };
      const close = (): void => {
        closed++;
      };
      const { at, size } = image.addFile({
        name: 'file',
        bytes: contents,
        open: () => ({ size: expected, read, close }),
      });
      expect([size, closed, at % 16]).toEqual([actual, 1, 0]);
      expect(Buffer.compare(image.bytes.subarray(at, at + size), contents)).toBe(0);
      const top = image.words[HEADER.top] ?? 0;
      expect(top - at - size).toBeGreaterThan(0);
      expect(image.bytes.subarray(at + size, top + 64).every(byte => byte === 0)).toBe(true);
    }
  });
});

describe('room for files that are expected', () => {
  const columns = [ATOM.name, ATOM.size, NAME.at, TYPE.start];
  const added = (image: Image): boolean => {
    image.expect(1 << 22);
    const before = columns.map(column => image.words[column]);
    image.addRows(ATOM, 40_000);
    image.addRows(TYPE, 60_000);
    return columns.every((column, index) => image.words[column] === before[index]);
  };

  test('is made at once where memory grows in place', () => {
    use({ wasm, script: null }, 'wasm');
    const image = new Image();
    image.addRows(ATOM, 3);
    image.set(ATOM.size, 2, 5);
    expect(added(image)).toBe(true);
    expect([image.get(ATOM.size, 2), image.get(ATOM.size, 3), image.count(ATOM)]).toEqual([5, 0, 40_004]);
  });

  test('is not made where memory is copied', () => {
    use({ wasm, script: null }, 'js');
    expect(added(new Image())).toBe(false);
  });

  test('has a limit', () => {
    use({ wasm, script: null }, 'wasm');
    const image = new Image();
    image.expect(2 ** 40);
    expect(image.bytes.length).toBeLessThan(1 << 28);
  });
});

test('every form leaves the same memory', () => {
  inEachForm(image => {
    const names = Array.from({ length: 3000 }, (_, index) => image.intern(`${index % 1234} name`));
    const rows = image.add(new Uint8Array(Int32Array.from(names).buffer)) / 4;
    image.run(sort).sortRows(rows, names.length, image.words[NAME.size] ?? 0);
    return image.count(NAME);
  });
});

test('a difference between forms is found', () => {
  let calls = 0;
  expect(() => inEachForm(image => image.addRows(ATOM, ++calls))).toThrow('first different byte');
  expect(() => inEachForm(() => ++calls)).toThrow();
});

describe('the form', () => {
  test.each(['js', 'wasm', ''])('is what ROOTLET_CORE=%s asks for', word => {
    use({ wasm, script: null });
    process.env['ROOTLET_CORE'] = word;
    const image = new Image();
    // memory of WebAssembly has whole pages, and more of them
    expect(image.bytes.length === 1 << 16).toBe(word === 'js');
  });

  test('is refused when it cannot be had', () => {
    use({ wasm: null, script: null });
    process.env['ROOTLET_CORE'] = 'wasm';
    expect(codeOf(() => new Image())).toBe('image-form');
    process.env['ROOTLET_CORE'] = 'fast';
    expect(codeOf(() => new Image())).toBe('image-form');
  });

  test('is JavaScript when the module cannot be compiled', () => {
    use({ wasm: () => Uint8Array.of(1, 2, 3), script: null });
    const image = new Image();
    expect(image.nameText(image.intern('text'))).toBe('text');
  });
});

test('a warm process links on when thousands of images live', () => {
  use({ wasm, script: null });
  const images = Array.from({ length: 1500 }, (_, index) => {
    const image = new Image();
    image.intern(`image ${index}`);
    return image;
  });
  expect(images.every((image, index) => image.nameText(1) === `image ${index}`)).toBe(true);
});

test.each([1 << 20, 70 << 20])('unused images of %i bytes are freed in the middle of a job', size => {
  use({ wasm, script: null });
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no gc');
  const allocated = (): number => {
    collect();
    const { arrayBuffers, rss } = process.memoryUsage();
    return size > 1 << 26 ? rss : arrayBuffers;
  };
  const before = allocated();
  for (let round = 0; round < 24; round++) {
    const image = new Image();
    const at = image.run(tables).alloc(size);
    image.bytes.fill(1, at, at + size);
  }
  // A thread of V8 gives back what was collected. The job does not end meanwhile.
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let waits = 0; waits < 40 && allocated() - before >= 10 * size; waits++) Atomics.wait(clock, 0, 0, 50);
  expect(allocated() - before).toBeLessThan(10 * size);
});
