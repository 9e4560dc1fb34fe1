/** The file that `npm run soak` starts; separate from `run.ts`, which tests import. */

import { run } from './run.ts';

await run();
