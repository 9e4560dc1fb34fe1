/** Files that are opened and read into the image of the link are what they are as bytes. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { archiveOf, memberOf } from '../../../test/support/archives.ts';
import type { FileSource } from '../../bytes/input-file.ts';
import { readObject } from '../../object/read/read.ts';
import { encodeObject, writeObject } from '../../object/write/write.ts';
import { type LinkResult, link } from '../link.ts';
import type { LinkInput } from './inputs.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/obj/', import.meta.url));

const bytesOf = (order: string, name: string) => readFileSync(`${EXAMPLES}${order}/${name}.bpf.o`);

/** Gives a thousand bytes at a time. */
function sourceOf(contents: Uint8Array): FileSource {
  let position = 0;
  return {
    size: contents.length,
    read(into) {
      const part = contents.subarray(position, position + Math.min(into.length, 1000));
      into.set(part);
      position += part.length;
      return part.length;
    },
    close: () => {},
  };
}

function opened(name: string, contents: Uint8Array): LinkInput {
  return {
    name,
    get bytes(): Uint8Array {
      throw new Error(`${name} is read in another way`);
    },
    open: () => sourceOf(contents),
  };
}

function written(result: LinkResult): Uint8Array {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  expect(encodeObject(result.object).slice()).toEqual(writeObject(result.object));
  return writeObject(result.object);
}

describe.each(['el', 'eb'])('files of order %s', order => {
  const [first, second] = [bytesOf(order, 'first'), bytesOf(order, 'second')];

  test('are linked to the same bytes', () => {
    const asBytes = link([
      { name: 'a.o', bytes: first },
      { name: 'b.o', bytes: second },
    ]);
    expect(written(link([opened('a.o', first), opened('b.o', second)]))).toEqual(written(asBytes));
  });

  test('may be archives', () => {
    const archive = archiveOf([memberOf(readObject({ name: 'a.o', bytes: first }))]);
    const asBytes = link([
      { name: 'b.o', bytes: second },
      { name: 'lib.a', bytes: archive },
    ]);
    const result = link([opened('b.o', second), opened('lib.a', archive)]);
    expect(written(result)).toEqual(written(asBytes));
    expect(result.pulled.map(({ member }) => member)).toEqual(['a.o']);
    expect(link([opened('lib.a', archive), opened('b.o', second)]).pulled).toHaveLength(1);
  });

  test('are refused with the same problems', () => {
    for (const contents of [
      new Uint8Array(0),
      first.subarray(0, 40),
      Buffer.from('!<arch'),
      first.subarray(1),
    ]) {
      const asBytes = link([{ name: 'a.o', bytes: contents }]);
      expect(asBytes.ok).toBe(false);
      expect(link([opened('a.o', contents)])).toEqual(asBytes);
    }
  });
});
