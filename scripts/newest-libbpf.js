// The newest libbpf that Debian offers, as a static library with its headers: the one in the source of the newest kernel.
// The package libbpf-dev is older and knows neither arenas nor the newer sections. The source is downloaded with
// apt-get, unpacked and compiled into node_modules/.cache; nothing is installed.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules', '.cache');
const PACKAGE = 'linux-source-6.12';
const DIRECTORY = join(CACHE, 'libbpf-6.12');
const PARTS = ['tools/lib/bpf', 'tools/include', 'tools/arch', 'include/uapi'];

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function run(command, args, cwd) {
  const result = spawnSync(command, args, { cwd, maxBuffer: 1 << 28 });
  if (result.status === 0) return;
  const why = result.error?.message ?? result.stderr.toString('utf8').trim().split('\n').slice(-3).join('; ');
  throw new Error(`${command} ${args.join(' ')}: ${why}`);
}

/** @param {string} work */
function unpackSource(work) {
  run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', PACKAGE], work);
  const archive = readdirSync(work).find(file => file.endsWith('.deb')) ?? '';
  run('dpkg', ['-x', archive, 'package'], work);
  const source = join('package', 'usr', 'src', `${PACKAGE}.tar.xz`);
  const patterns = PARTS.map(part => `${PACKAGE}/${part}/*`);
  run('tar', ['-xJf', source, '--wildcards', ...patterns], work);
}

/**
 * @param {string} source
 * @param {string} ready
 */
function compile(source, ready) {
  const library = join(source, 'tools', 'lib', 'bpf');
  const files = readdirSync(library);
  const include = ['.', '../../include', '../../include/uapi'].map(path => `-I${path}`);
  const macros = ['-D_GNU_SOURCE', '-D_LARGEFILE64_SOURCE', '-D_FILE_OFFSET_BITS=64'];
  run(
    'gcc',
    ['-O1', '-w', ...macros, ...include, '-c', ...files.filter(file => file.endsWith('.c'))],
    library,
  );
  const objects = readdirSync(library).filter(file => file.endsWith('.o'));
  mkdirSync(join(ready, 'include', 'bpf'), { recursive: true });
  run('ar', ['rcs', join(ready, 'libbpf.a'), ...objects], library);
  for (const file of files.filter(name => name.endsWith('.h')))
    cpSync(join(library, file), join(ready, 'include', 'bpf', file));
  // Newer than the headers of this machine, which libbpf's own headers include.
  cpSync(join(source, 'tools', 'include', 'uapi', 'linux'), join(ready, 'include', 'linux'), {
    recursive: true,
  });
}

export function hasNewestLibbpf() {
  return existsSync(DIRECTORY);
}

/** Builds it beside the cache and moves it there, so that what is there is complete. Throws an Error with the reason. */
export function buildNewestLibbpf() {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'new-'));
  try {
    unpackSource(work);
    const ready = join(work, 'ready');
    compile(join(work, PACKAGE), ready);
    if (!existsSync(DIRECTORY)) renameSync(ready, DIRECTORY);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
