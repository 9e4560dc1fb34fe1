import { expect, test } from 'vitest';
import { formatTree } from './tree.ts';

const leaf = (text: string) => ({ text, children: [] });

test('branches are joined to their roots', () => {
  const tree = {
    text: 'a',
    children: [
      { text: 'b', children: [leaf('c'), leaf('d')] },
      { text: 'e', children: [leaf('f\n')] },
    ],
  };
  expect(formatTree([tree, leaf('g')])).toBe(
    ['a', '├─ b', '│  ├─ c', '│  └─ d', '└─ e', '   └─ f\\n', 'g'].join('\n'),
  );
});
