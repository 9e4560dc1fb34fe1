import { describe, expect, test } from 'vitest';
import { asLines } from '../../src/diag/lines.ts';
import { redraw } from './watch.ts';

/** What is written until the last drawing, after which the signal arrives. */
async function written(isTerminal: boolean, drawings: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  let count = 0;
  await redraw({
    interval: 0.001,
    isTerminal,
    write: text => void texts.push(text),
    draw: () => {
      count += 1;
      if (count === drawings.length) process.emit('SIGTERM');
      return asLines(drawings[count - 1] ?? '');
    },
  });
  return texts;
}

describe('redraw', () => {
  test('without a terminal drawings follow one another, without escapes', async () => {
    expect(await written(false, ['a\n', 'b\n', 'c\n'])).toEqual(['a\n', 'b\n', 'c\n']);
  });

  test('on a terminal each is written over the one before', async () => {
    expect(await written(true, ['a\nb\n', 'c\n'])).toEqual([
      '\u001b[Ha\u001b[K\nb\u001b[K\n\u001b[J',
      '\u001b[Hc\u001b[K\n\u001b[J',
    ]);
  });

  test('leaves no listener, also when drawing fails', async () => {
    const before = process.listenerCount('SIGINT');
    const failing = redraw({
      interval: 1,
      isTerminal: false,
      write: () => {},
      draw: () => {
        throw new Error('gone');
      },
    });
    await expect(failing).rejects.toThrow('gone');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
