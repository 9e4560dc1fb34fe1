/** The package that draws: what it draws, and what is reported where it is missing or cannot start. */

import { expect, test } from 'vitest';
import { startGraphviz } from './graphviz.ts';

function refused(code: string, message: RegExp) {
  return expect.objectContaining({
    problems: [
      expect.objectContaining({
        code,
        message: expect.stringMatching(message),
        hint: expect.stringContaining('.dot needs no package'),
      }),
    ],
  });
}

test('draws SVG', async () => {
  expect((await startGraphviz())('digraph { a -> b }')).toContain('<svg ');
});

test('a package that is not installed is named, with the way to install it', async () => {
  const missing = () => {
    throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
  };
  await expect(startGraphviz(missing)).rejects.toEqual(
    refused('picture-no-graphviz', /^SVG is drawn by the package @viz-js\/viz, which is not installed$/),
  );
});

test('a package that cannot start', async () => {
  const broken = () => ({ instance: () => Promise.reject(new Error('out of memory')) });
  await expect(startGraphviz(broken)).rejects.toEqual(
    refused('picture-no-graphviz', /^the package @viz-js\/viz cannot start: out of memory$/),
  );
});
