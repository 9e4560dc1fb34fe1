// Brings a fresh clone to the point where it can run: npm packages, the build, and (with --tools) the Debian packages
// that the tests compare with. Plain JavaScript on Node's own modules, since it runs before anything is installed.
// Says nothing and touches no network when everything is there.
//
//   node scripts/setup.js           packages and build
//   node scripts/setup.js --tools   also what the tests use; at a terminal only with --yes
//   node scripts/setup.js --build   build only
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');
const buildStamp = join(root, 'dist', '.sources');

/** Debian packages that the tests use, and a file that shows that one is there. */
const TOOLS = [
  ['clang-19', '/usr/bin/clang-19'],
  ['llvm-19', '/usr/bin/llvm-strip-19'],
  ['clang-14', '/usr/bin/clang-14'],
  ['clang-16', '/usr/bin/clang-16'],
  ['bpftool', '/usr/sbin/bpftool'],
  ['libbpf-dev', '/usr/include/bpf/bpf_helpers.h'],
  ['linux-libc-dev', '/usr/include/linux/bpf.h'],
  ['xdp-tools', '/usr/sbin/xdp-loader'],
  ['libbpf-tools', '/usr/sbin/opensnoop'],
  ['iproute2', '/bin/ip'],
  ['gcc', '/usr/bin/gcc'],
  ['libc6-dev', '/usr/include/stdio.h'],
  ['qemu-system-x86', '/usr/bin/qemu-system-x86_64'],
  ['qemu-system-common', '/usr/lib/qemu/virtiofsd'],
  ['busybox-static', '/bin/busybox'],
  ['xz-utils', '/usr/bin/xz'],
  ['etcd-server', '/usr/bin/etcd'],
  ['docker-registry', '/usr/bin/docker-registry'],
  ['etcd-client', '/usr/bin/etcdctl'],
  ['openssl', '/usr/bin/openssl'],
  ['curl', '/usr/bin/curl'],
  ['chromium-headless-shell', '/usr/bin/chromium-headless-shell'],
  ['golang-go', '/usr/bin/go'],
  ['golang-github-cilium-ebpf-dev', '/usr/share/gocode/src/github.com/cilium/ebpf'],
];

/** @param {string} text */
function say(text) {
  process.stderr.write(`rootlet: ${text}\n`);
}

/**
 * @param {string} text
 * @returns {never}
 */
function fail(text) {
  say(text);
  process.exit(1);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {string | null} What went wrong.
 */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.error) return `${command} cannot be run: ${result.error.message}`;
  return result.status === 0 ? null : `"${command} ${args.join(' ')}" failed with status ${result.status}`;
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 12)) return;
  fail(`needs Node 20.12 or newer; this is ${process.versions.node}`);
}

/** @param {string} path */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** Does node_modules hold what package-lock.json asks for? npm keeps its own record of what it installed. */
function packagesAreThere() {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  const found = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (found === undefined) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true;
    const installed = found[name];
    if (installed === undefined) return entry.optional === true; // for another kind of machine
    return installed.version === entry.version && existsSync(join(root, name));
  });
}

/** Set for the npm that a set-up runs: `npm ci` runs the script `prepare`, which is this file again. */
const INSIDE_SETUP = 'ROOTLET_INSIDE_SETUP';

function installPackages() {
  if (packagesAreThere()) return;
  say('installing npm packages');
  const quiet = /** @type {const} */ (['ignore', 'ignore', 'inherit']);
  const problem = run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: [...quiet],
    env: { ...process.env, [INSIDE_SETUP]: '1' },
    shell: process.platform === 'win32', // npm is a script there
  });
  if (problem) fail(`${problem}; run "npm ci" by hand to see more`);
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function sourceFiles(directory) {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap(entry => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return sourceFiles(path);
    return path.endsWith('.ts') && !path.endsWith('.test.ts') ? [path] : [];
  });
}

function digestOfSources() {
  /** @type {string[]} */
  const compiled = readJson(join(root, 'tsconfig.build.json')).include;
  const sources = [...compiled.map(pattern => pattern.replace(/\/\*\*.*/, '')), 'test/support']
    .filter(directory => existsSync(join(root, directory)))
    .flatMap(sourceFiles);
  const hash = createHash('sha256');
  const scripts = readdirSync(join(root, 'scripts')).filter(name =>
    /^(setup|commands|library|parts|split|licenses|kernel.*)\.js$/.test(name),
  );
  const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json'];
  settings.push(...scripts.sort().map(name => `scripts/${name}`));
  hash.update(process.version);
  for (const path of [...settings, ...sources.sort()]) {
    hash.update(path).update('\0');
    hash.update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

async function build() {
  const digest = digestOfSources();
  if (existsSync(buildStamp) && readFileSync(buildStamp, 'utf8') === digest) return;
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(tsc)) {
    if (process.env['npm_lifecycle_event'] === 'prepare') return; // npm ci --omit=dev
    fail('no compiler; run "node scripts/setup.js" first');
  }
  say('building');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const problem = run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--incremental', 'false']);
  if (problem) fail(problem);
  const { compileCalledKernels, compiledModule } = await import('./kernels.js');
  const compiled = await compileCalledKernels().catch(error => fail(error.message));
  writeFileSync(join(root, 'dist', 'src', 'image', 'compiled.js'), compiledModule(compiled.wasm));
  const { bundleCommands } = await import('./commands.js');
  await bundleCommands(compiled).catch(error => fail(error.message));
  const { bundleLibrary } = await import('./library.js');
  await bundleLibrary().catch(error => fail(error.message));
  writeFileSync(buildStamp, digest);
}

/** A developer's own machine gets no packages of the system unasked; a fresh machine has no terminal. */
function isAtTerminal() {
  return process.stdin.isTTY === true && process.env['CI'] === undefined;
}

function installTools() {
  const missing = TOOLS.flatMap(([name = '', path = '']) => (existsSync(path) ? [] : [name]));
  if (missing.length === 0) return;
  const byHand = `apt-get install ${missing.join(' ')}`;
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    say(
      `tests that need ${missing.join(', ')} will be skipped; to run them, as root on Debian 12: ${byHand}`,
    );
    return;
  }
  if (isAtTerminal() && !flags.has('--yes')) {
    say(`tests that need ${missing.join(', ')} will be skipped; "npm run setup" installs them`);
    return;
  }
  say(`installing ${missing.join(' ')}`);
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  const problem =
    run('apt-get', ['update', '-qq'], options) ??
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options);
  if (problem) say(`${problem}; tests that need them will be skipped`);
}

async function installNewestLibbpf() {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/include/libelf.h')) return;
  const { buildNewestLibbpf, hasNewestLibbpf } = await import('./newest-libbpf.js');
  if (hasNewestLibbpf()) return;
  say('building the newest libbpf, which tests compare with');
  try {
    buildNewestLibbpf();
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}; tests that need it will be skipped`);
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** One set-up of this checkout at a time; a lock whose process is gone is taken over. */
function takeLock() {
  mkdirSync(cache, { recursive: true });
  const path = join(cache, 'setup.lock');
  for (let waited = 0; ; waited++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const owner = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
      if (owner > 0 && !isRunning(owner)) rmSync(path, { force: true });
      if (waited === 25) say(`waiting for another set-up (process ${owner})`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  process.on('exit', () => rmSync(path, { force: true }));
}

requireNode();
// The outer set-up holds the lock and builds when the packages are there.
if (process.env[INSIDE_SETUP] !== undefined) process.exit(0);
const flags = new Set(process.argv.slice(2));
takeLock();
if (!flags.has('--build')) installPackages();
if (flags.has('--tools')) {
  installTools();
  await installNewestLibbpf();
}
await build();
