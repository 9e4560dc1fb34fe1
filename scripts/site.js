#!/usr/bin/env node
/**
 * npm run site: the pages of rootlet and its playground, in `site/dist/`. Needs the build, and no network. A server that has them
 * below another path than `/` is given by `ROOTLET_SITE_BASE=/path/`.
 */

import { rmSync } from 'node:fs';
import { build } from 'vitepress';
import { brokenLinks } from '../site/build/links.js';
import { writePages } from '../site/build/pages.js';
import { OUT, SITE } from '../site/build/paths.js';
import { buildPlayground, playgroundSizes } from '../site/build/playground.js';

const start = Date.now();
rmSync(OUT, { recursive: true, force: true });
const pages = await writePages();
await build(SITE);
await buildPlayground();
const broken = brokenLinks(OUT, process.env['ROOTLET_SITE_BASE']);
if (broken.length > 0) {
  process.stderr.write(`${broken.join('\n')}\n${broken.length} links lead nowhere\n`);
  process.exit(1);
}
const { core, more } = playgroundSizes();
const seconds = ((Date.now() - start) / 1000).toFixed(0);
process.stdout.write(
  `site/dist: ${pages.length} pages; playground ${core} bytes, and ${more} when needed (${seconds} s)\n`,
);
