import { describe, expect, test } from 'vitest';
import { platformError } from '../../diag/problem.ts';
import type { Netns } from '../sys/netns.ts';
import { gapAt } from './survey.ts';

const NAME = 'net:[1]';
const GONE: Netns = { name: NAME, path: '/proc/0/ns/net' };
const THERE: Netns = { name: NAME, path: '/proc/self/ns/net' };

function refuse(refused: Netns, looked: string[]) {
  return (netns: Netns): void => {
    looked.push(netns.path);
    if (netns === refused) throw platformError('kernel-netns', [], 'it cannot be entered');
  };
}

describe('a namespace that cannot be entered', () => {
  test('is a gap where its file is there', () => {
    const looked: string[] = [];
    expect(gapAt(THERE, refuse(THERE, looked))).toEqual(['it cannot be entered']);
    expect(looked).toEqual([THERE.path]);
  });

  test('is looked at by another file when its process has ended', () => {
    const looked: string[] = [];
    expect(gapAt(GONE, refuse(GONE, looked), () => THERE)).toEqual([]);
    expect(looked).toEqual([GONE.path, THERE.path]);
  });

  test('leaves none when nothing leads to it any more', () => {
    expect(gapAt(GONE, refuse(GONE, []), () => undefined)).toEqual([]);
  });

  test('is one when the same file is found again', () => {
    expect(gapAt(GONE, refuse(GONE, []), () => GONE)).toEqual(['it cannot be entered']);
  });

  test('other errors are passed on', () => {
    const look = () => {
      throw new Error('a bug');
    };
    expect(() => gapAt(THERE, look)).toThrow('a bug');
  });
});
