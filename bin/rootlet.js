#!/usr/bin/env node
// The command. CommonJS (package.json beside it says so), which Node starts 15 ms sooner than a module, and
// `--version` is answered before anything is loaded. Half of a short run would be compiling: what V8 compiled in the
// first run of each command is kept beside the bundle for the next ones, as Python keeps it in __pycache__. It is code:
// what other users could have written is not read. It is kept by the owner of the bundle only, so that root leaves no
// files in the directory of a user; for others every run compiles.
const {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { Script } = require('node:vm');

const directory = `${__dirname}/../dist/command`;
const kept = `${directory}/cached`;

/** The script of all commands. */
const ALL = 'rootlet';

/**
 * The script that has a command: one of its own, or that of all.
 *
 * @param {string | undefined} word
 */
function findCommand(word) {
  for (const name of isWord(word) ? [word, ALL] : [ALL]) {
    const script = readIfThere(pathOf(name));
    if (script !== undefined) return { name, script };
  }
  process.stderr.write('rootlet: not built yet; run "npm run build" in its directory\n');
  process.exit(70);
}

/**
 * Whether a word may be the name of a command.
 *
 * @param {string | undefined} word
 * @returns {word is string}
 */
function isWord(word) {
  return word !== undefined && /^[a-z]{1,16}$/.test(word);
}

/** @param {string} name */
function pathOf(name) {
  return `${directory}/${name}.cjs`;
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
  return `${kept}/${command}-${build}-${process.version}-${process.platform}-${process.arch}.cache`;
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

const WRITABLE_BY_OTHERS = 0o022;

/**
 * Whether nobody but root, this user and the owner of the bundle, who could change the bundle itself, can write to it.
 *
 * @param {import('node:fs').Stats} stats
 */
function isOwn({ uid, mode }) {
  const isTrusted = uid === 0 || uid === process.geteuid?.() || uid === statSync(directory).uid;
  return isTrusted && (mode & WRITABLE_BY_OTHERS) === 0;
}

/**
 * Kept code, from the file that was checked.
 *
 * @param {string} path
 */
function readKept(path) {
  let fd;
  try {
    if (!isOwn(lstatSync(kept))) return undefined;
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    return stats.isFile() && isOwn(stats) ? readFileSync(fd) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
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
    if (statSync(directory).uid !== process.geteuid?.()) return;
    mkdirSync(kept, { recursive: true, mode: 0o755 });
    const stats = lstatSync(kept);
    if (!stats.isDirectory() || !isOwn(stats)) return;
    writeFileSync(unfinished, data, { flag: 'wx', mode: 0o644 });
    renameSync(unfinished, path);
  } catch {
    // It only makes the next run faster.
  }
}

/**
 * Each command uses another part of the script that has them all.
 *
 * @param {string} name
 * @param {readonly string[]} words
 */
function calledName(name, [command, called]) {
  if (name !== ALL || !isWord(command)) return '';
  const isGroup = command === 'xdp' || command === 'tc' || command === 'fleet';
  return isGroup && isWord(called) ? `-${command}-${called}` : `-${command}`;
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
 * versions do not wait. Semispaces that keep their size take less memory in the same time. A link by kernels runs none
 * of its scripts long enough to gain from the optimizer of V8, which takes 1.5 MiB. Returns whether there are such
 * settings; V8 takes compiled code only with the same ones.
 *
 * @param {readonly string[]} words
 */
function setEngine(words) {
  if (!process.version.startsWith('v20.') || !isLong(words)) return false;
  const { setFlagsFromString } = require('node:v8');
  setFlagsFromString('--interrupt-budget=500000');
  setFlagsFromString('--liftoff-only');
  setFlagsFromString('--semi-space-growth-factor=1');
  if (words[0] === 'link') setOptimizer(false);
  return true;
}

/** Whether V8 optimizes functions that run often. */
let optimizes = true;

/** @param {boolean} on */
function setOptimizer(on) {
  if (on !== optimizes) require('node:v8').setFlagsFromString(on ? '--opt' : '--no-opt');
  optimizes = on;
}

/** For scripts that are whole. */
const nothing = () => undefined;

/** What was run of scripts, with what V8 had kept of them. */
const ran =
  /** @type {{ script: import('node:vm').Script, path: string, isKept: boolean, optimizes: boolean }[]} */ ([]);

/**
 * Runs a script, which is text of one byte per character (the bundler escapes what is not ASCII), and returns what it
 * exports.
 *
 * @param {string} name
 * @param {Buffer} text
 * @param {string} variant What its compiled code depends on besides.
 * @param {(key: string) => unknown} readPart
 */
function run(name, text, variant, readPart) {
  const filename = pathOf(name);
  const source = text.latin1Slice();
  const path = cachePath(`${name}${variant}`, source);
  const cachedData = readKept(path);
  const script = new Script(source, { filename, cachedData });
  const isKept = cachedData !== undefined && script.cachedDataRejected === false;
  ran.push({ script, path, isKept, optimizes });
  const made = { exports: /** @type {any} */ ({}) };
  script.runInThisContext()(made.exports, require, made, {
    directory,
    get url() {
      return require('node:url').pathToFileURL(filename);
    },
    readPart,
    readScript: (/** @type {string} */ other) => runFurther(other, '', nothing),
  });
  return made.exports;
}

/**
 * Runs a script that is read because the first one does not have everything: it may run long.
 *
 * @param {string} name
 * @param {string} variant
 * @param {(key: string) => unknown} readPart
 */
function runFurther(name, variant, readPart) {
  setOptimizer(true);
  return run(name, readFileSync(pathOf(name)), variant, readPart);
}

/**
 * Runs the script of a command. What is seldom needed of it is a second one, which is read when a function of it is
 * called: each script gets what it needs of the other by a key.
 *
 * @param {string} command
 * @param {Buffer} script
 * @param {string} variant
 */
function runCommand(command, script, variant) {
  let more = /** @type {any} */ (undefined);
  const first = run(command, script, variant, key => {
    if (more === undefined) {
      const shared = first.shared();
      more = runFurther(`${command}-more`, variant, key => shared[key]);
    }
    return more[key];
  });
  return first;
}

/** @param {readonly string[]} words */
async function start(words) {
  const { name, script } = findCommand(words[0]);
  const variant = `${calledName(name, words)}${setEngine(words) ? '-long' : ''}`;
  const { main } = runCommand(name, script, variant);
  await main(words);
  // The page of a command has compiled little of what its next run needs.
  const isWhole = !(words.length > 1 && (words.includes('--help') || words.includes('-h')));
  if (isWhole && process.exitCode === 0) keepCode();
  process.exit(); // all has been written; Node would wait for what V8 still compiles in the background
}

/** Keeps what V8 compiled, with the settings that the scripts started with: the next run has the same ones. */
function keepCode() {
  for (const { script, path, isKept, optimizes } of ran) {
    if (isKept) continue;
    setOptimizer(optimizes);
    keep(path, script.createCachedData());
  }
}

const words = process.argv.slice(2);
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${require('../package.json').version}\n`);
} else {
  start(words);
}
