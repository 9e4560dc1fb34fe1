#!/usr/bin/env node
/** npm run site: the pages of rootlet and its playground, in `site/dist/`. Needs the build, and no network. */

import { rmSync } from 'node:fs';
import { build } from 'vitepress';
import { writePages } from '../site/build/pages.js';
import { OUT, SITE } from '../site/build/paths.js';
import { buildPlayground, playgroundSizes } from '../site/build/playground.js';

const start = Date.now();
rmSync(OUT, { recursive: true, force: true });
const pages = await writePages();
await build(SITE);
await buildPlayground();
const { core, more } = playgroundSizes();
const seconds = ((Date.now() - start) / 1000).toFixed(0);
process.stdout.write(`site/dist: ${pages.length} pages; playground ${core} bytes, and ${more} when needed (${seconds} s)\n`);
