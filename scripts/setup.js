// Brings a fresh clone to the point where it can run: npm packages, the build, and (with --tools) the Debian packages
// that the tests compare with. Plain JavaScript on Node's own modules, since it runs before anything is installed.
//
//   node scripts/setup.js           packages and build
//   node scripts/setup.js --tools   also what the tests use
//   node scripts/setup.js --build   build only
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, 'node_modules', '.cache', 'rootlet');

/** Debian packages that the tests use, and the command or file that shows that one is there. */
const TOOLS = [
  ['clang-19', '/usr/bin/clang-19'],
  ['llvm-19', '/usr/bin/llvm-strip-19'],
  ['bpftool', '/usr/sbin/bpftool'],
  ['libbpf-dev', '/usr/include/bpf/bpf_helpers.h'],
  ['xdp-tools', '/usr/sbin/xdp-loader'],
  ['iproute2', '/bin/ip'],
  ['gcc', '/usr/bin/gcc'],
  ['libc6-dev', '/usr/include/stdio.h'],
];

function fail(text) {
  process.stderr.write(`rootlet: ${text}\n`);
  process.exit(1);
}

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

function digestOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path).update('\0').update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

function isStamped(name, digest) {
  const path = join(stamps, name);
  return existsSync(path) && readFileSync(path, 'utf8') === digest;
}

function stamp(name, digest) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), digest);
}

function installPackages() {
  const digest = digestOf(['package.json', 'package-lock.json']);
  if (existsSync(join(root, 'node_modules', 'typescript')) && isStamped('packages', digest)) return;
  process.stderr.write('rootlet: installing npm packages\n');
  const problem = run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (problem) fail(`${problem}; run "npm ci" by hand to see more`);
  stamp('packages', digest);
}

function sourceFiles(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourceFiles(path);
    return path.endsWith('.ts') && !path.endsWith('.test.ts') ? [path] : [];
  });
}

function build() {
  const sources = ['src', 'cli', 'bench'].filter(folder => existsSync(join(root, folder))).flatMap(sourceFiles).sort();
  const digest = digestOf(['package.json', 'tsconfig.json', 'tsconfig.build.json', ...sources]);
  if (existsSync(join(root, 'dist')) && isStamped('build', digest)) return;
  process.stderr.write('rootlet: building\n');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const problem = run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--incremental', 'false']);
  if (problem) fail(problem);
  stamp('build', digest);
}

function installTools() {
  const missing = TOOLS.filter(([, path]) => !existsSync(path)).map(([name]) => name);
  if (missing.length === 0) return;
  const debian = existsSync('/usr/bin/apt-get');
  if (!debian || process.getuid?.() !== 0) {
    process.stderr.write(`rootlet: tests that need ${missing.join(', ')} will be skipped; to run them, as root: apt-get install ${missing.join(' ')}\n`);
    return;
  }
  process.stderr.write(`rootlet: installing ${missing.join(' ')}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'], env };
  const problem =
    run('apt-get', ['update', '-qq'], quiet) ??
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], quiet);
  if (problem) process.stderr.write(`rootlet: ${problem}; tests that need them will be skipped\n`);
}

requireNode();
const flags = new Set(process.argv.slice(2));
installPackages();
if (flags.has('--tools')) installTools();
build();
