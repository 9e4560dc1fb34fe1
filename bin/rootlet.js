#!/usr/bin/env node
// The command. CommonJS (package.json beside it says so), which Node starts 15 ms sooner than a module, and
// `--version` is answered before anything is loaded. Half of a short run would be compiling: what V8 compiled in the
// first run of each command is kept beside the bundle for the next ones, as Python keeps it in __pycache__. Where the
// directory cannot be written, every run compiles.
const { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const folder = join(__dirname, '..', 'dist', 'command');

/**
 * The command whose script there is: the word itself, or `help`.
 *
 * @param {string | undefined} word
 */
function commandOf(word) {
  const command =
    word !== undefined && /^[a-z]+$/.test(word) && existsSync(join(folder, `${word}.cjs`)) ? word : 'help';
  if (command !== 'help' || existsSync(join(folder, 'help.cjs'))) return command;
  process.stderr.write('rootlet: not built yet; run "npm run build" in its directory\n');
  process.exit(70);
}

/**
 * Where the compiled code of a command is kept: for exactly this script, which says its name in the first line, this
 * Node and this kind of machine.
 *
 * @param {string} command
 * @param {string} source
 */
function cachePath(command, source) {
  const build = source.slice('// '.length, source.indexOf('\n'));
  const name = [command, build, process.version, process.platform, process.arch].join('-');
  return join(folder, 'cached', `${name}.cache`);
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Whole or not at all, whoever else does the same.
 *
 * @param {string} path
 * @param {Buffer} data
 */
function keep(path, data) {
  const unfinished = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(unfinished, data, { flag: 'wx' });
    renameSync(unfinished, path);
  } catch {
    // It only makes the next run faster.
  }
}

/**
 * Commands of a group are one script, of which each uses another part.
 *
 * @param {string} command
 * @param {readonly string[]} words
 */
function calledName(command, [, called = '']) {
  const isGroup = command === 'xdp' || command === 'tc';
  return isGroup && /^[a-z]{1,16}$/.test(called) ? `-${called}` : '';
}

/** With as many words a link takes long enough for settings of the engine to gain more than they cost (2 ms). */
const MANY_WORDS = 16;
/** Bytes of a list with as many paths. */
const LONG_LIST = 256;
/** Bytes of a file that is inspected, likewise. */
const LARGE_FILE = 1 << 20;

/**
 * Whether a command line takes long enough.
 *
 * @param {readonly string[]} words
 */
function isLong([command, ...others]) {
  if (command === 'inspect') return others.some(word => sizeOf(word) >= LARGE_FILE);
  if (command !== 'link' && command !== 'relink') return false;
  return others.length + 1 >= MANY_WORDS || others.some(isLongList);
}

/** @param {string} word */
function isLongList(word) {
  return word.startsWith('@') && sizeOf(word.slice(1)) >= LONG_LIST;
}

/**
 * Bytes of a file; 0 for a word that names none.
 *
 * @param {string} word
 */
function sizeOf(word) {
  try {
    return statSync(word).size;
  } catch {
    return 0;
  }
}

/**
 * Node 20 compiles functions in the background that have had their last call, and waits for that when it ends. Links of
 * many files, and listings of large ones, are faster when it does so later, and with kernels compiled once. Later
 * versions do not wait. Semispaces that keep their size take less memory in the same time. Returns whether there are
 * such settings; V8 takes compiled code only with the same ones.
 *
 * @param {readonly string[]} words
 */
function setEngine(words) {
  if (!process.version.startsWith('v20.') || !isLong(words)) return false;
  const { setFlagsFromString } = require('node:v8');
  setFlagsFromString('--interrupt-budget=500000');
  setFlagsFromString('--liftoff-only');
  setFlagsFromString('--semi-space-growth-factor=1');
  return true;
}

/** For scripts that are whole. */
const nothing = () => undefined;

/** What was run of scripts, with what V8 had kept of them. */
const ran = /** @type {{ script: import('node:vm').Script, path: string, isKept: boolean }[]} */ ([]);

/**
 * Runs a script, which is text of one byte per character (the bundler escapes what is not ASCII), and returns what it
 * exports.
 *
 * @param {string} name
 * @param {string} variant What its compiled code depends on besides.
 * @param {(key: string) => unknown} readPart
 */
function run(name, variant, readPart) {
  const filename = join(folder, `${name}.cjs`);
  const source = readFileSync(filename, 'latin1');
  const path = cachePath(`${name}${variant}`, source);
  const cachedData = readIfThere(path);
  const script = new Script(source, { filename, cachedData });
  ran.push({ script, path, isKept: cachedData !== undefined && script.cachedDataRejected === false });
  const made = { exports: /** @type {any} */ ({}) };
  script.runInThisContext()(made.exports, require, made, {
    directory: folder,
    get url() {
      return require('node:url').pathToFileURL(filename);
    },
    readPart,
    readScript: (/** @type {string} */ other) => run(other, '', nothing),
  });
  return made.exports;
}

/**
 * Runs the script of a command. What is seldom needed of it is a second one, which is read when a function of it is
 * called: each script gets what it needs of the other by a key.
 *
 * @param {string} command
 * @param {string} variant
 */
function runCommand(command, variant) {
  let more = /** @type {any} */ (undefined);
  const first = run(command, variant, key => {
    if (more === undefined) {
      const shared = first.shared();
      more = run(`${command}-more`, variant, key => shared[key]);
    }
    return more[key];
  });
  return first;
}

/** @param {readonly string[]} words */
async function start(words) {
  const command = commandOf(words[0]);
  const variant = `${calledName(command, words)}${setEngine(words) ? '-long' : ''}`;
  const { main } = runCommand(command, variant);
  await main(words);
  // Help and refusals have compiled little of what the next run needs.
  const isWhole = command === 'help' || !(words.includes('--help') || words.includes('-h'));
  if (isWhole && process.exitCode === 0)
    for (const { script, path, isKept } of ran) if (!isKept) keep(path, script.createCachedData());
  process.exit(); // all has been written; Node would wait for what V8 still compiles in the background
}

const words = process.argv.slice(2);
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${require('../package.json').version}\n`);
} else {
  start(words);
}
