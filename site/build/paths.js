/** Where the site is made of, and where it goes. */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** What the compiler and the build of the package made. */
export const DIST = join(ROOT, 'dist');
export const SITE = join(ROOT, 'site');
/** The finished site. */
export const OUT = join(SITE, 'dist');
/** Pages as the generator reads them. */
export const PAGES = join(ROOT, '.cache', 'site');
