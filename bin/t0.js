#!/usr/bin/env node
// The command. CommonJS (package.json beside it says so), which Node starts 15 ms sooner than a module, and
// `--version` is answered before anything is loaded. What the build compiled is run from V8's code cache; it is one
// of exactly this Node on exactly this kind of machine, else the same code is loaded as modules.
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const folder = join(__dirname, '..', 'dist', 'command');

/** @param {string} command */
function loadCached(command) {
  const machine = [process.version, process.platform, process.arch].join('-');
  const cache = join(folder, 'cached', `${command}-${machine}.cache`);
  if (!existsSync(cache)) return null;
  const filename = join(folder, 'cached', `${command}.cjs`);
  // The bundler escapes what is no ASCII in strings, and text of one byte per character is read and kept faster.
  const source = `(function (exports, require, module) {${readFileSync(filename, 'latin1')}\n})`;
  const script = new Script(source, { filename, cachedData: readFileSync(cache) });
  const made = { exports: {} };
  script.runInThisContext()(made.exports, require, made);
  return made.exports;
}

async function loadModules() {
  return await import('../dist/command/main.js').catch(error => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write('rootlet: not built yet; run "npm run build" in its folder\n');
    process.exit(70);
  });
}

const T = [process.hrtime.bigint()];
const L = [];
const tick = n => {
  T.push(process.hrtime.bigint());
  L.push(n + ' ' + Number(T.at(-1) - T.at(-2)) / 1e6);
};
async function start() {
  const words = process.argv.slice(2);
  const { main } = (words[0] === 'link' && loadCached(words[0])) || (await loadModules());
  tick('load');
  await main(words);
  tick('main');
  console.error(L.join('\n'));
}

if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  process.stdout.write(`${require('../package.json').version}\n`);
} else {
  start();
}
