// Runs a bundled command in this process and keeps what V8 compiled on the way beside it, for bin/rootlet.js: half of
// a short run is compiling. A process of its own, since the bundle is compiled as a script and leaves its traces.
//
//   node scripts/cache.js COMMAND WORD...
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'command', 'cached');
const [command = '', ...words] = process.argv.slice(2);
const filename = join(folder, `${command}.cjs`);
// exactly the text that bin/rootlet.js makes
const source = `(function (exports, require, module) {${readFileSync(filename, 'latin1')}\n})`;
const script = new Script(source, { filename });
const made = { exports: /** @type {any} */ ({}) };
script.runInThisContext()(made.exports, createRequire(filename), made);
await made.exports.main([command, ...words]);
const machine = [process.version, process.platform, process.arch].join('-');
writeFileSync(join(folder, `${command}-${machine}.cache`), script.createCachedData());
