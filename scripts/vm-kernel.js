// Kernels for the virtual machine: Debian's cloud packages, downloaded with apt-get and unpacked into node_modules/.cache,
// never installed. A kernel there is a file `vmlinuz`, its configuration, its modules as `modules/NAME.ko`, and
// `modules/order`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules', '.cache', 'vm');

/**
 * What the machine uses. Where a kernel has one of them built in, there is no file of that name, and none is needed.
 * The first four are there before the root file system is; the others are for tests.
 */
const MODULES = [
  ...['virtio_pci', 'fuse', 'virtiofs', 'overlay', 'veth', 'sch_ingress', 'cls_bpf', 'act_bpf'],
  // with functions, variables and types that programs use
  ...['nf_nat', 'xfrm_interface', 'x_tables', 'tcp_dctcp'],
];
/** A directory with other modules is another one. */
const MODULES_MARK = createHash('sha256').update(MODULES.join()).digest('hex').slice(0, 8);

/**
 * Files of a kernel; `modules` in the order in which they have to be loaded.
 * @typedef {{ readonly image: string, readonly config: string, readonly modules: readonly string[] }} Kernel
 */

/** @param {string} text */
export function say(text) {
  process.stderr.write(`rootlet: ${text}\n`);
}

/**
 * Standard output of a command that has to succeed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {Buffer}
 */
function output(command, args, options = {}) {
  const result = spawnSync(command, args, { maxBuffer: 1 << 28, ...options });
  if (result.status === 0) return result.stdout;
  const why = result.error?.message ?? result.stderr.toString('utf8').trim();
  throw new Error(`${command} ${args.join(' ')}: ${why}`);
}

/**
 * The newest kernel of a series such as `6.1`, from the cache, else from Debian.
 * @param {string} series
 * @returns {Kernel}
 */
export function provideKernel(series) {
  if (!/^\d+\.\d+$/.test(series)) throw new Error(`"${series}" is not a kernel series such as 6.12`);
  const directory = join(CACHE, `${series}-${MODULES_MARK}`);
  if (!existsSync(directory)) {
    try {
      download(series, directory);
    } catch (error) {
      // mirrors drop releases some years after the last update
      if (RELEASES.has(series)) throw new NotToBeHad(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
  const modules = readFileSync(join(directory, 'modules', 'order'), 'utf8')
    .split('\n')
    .filter(Boolean);
  return {
    image: join(directory, 'vmlinuz'),
    config: join(directory, 'config'),
    modules: modules.map(name => join(directory, 'modules', `${name}.ko`)),
  };
}

/** Series that only an older release of Debian has, by its code name. */
const RELEASES = new Map([['5.10', 'bullseye']]);

/**
 * What tells apt to look into another release, at the mirror that it uses for this one; nothing for this release's own.
 * Lists and caches are kept apart, so that nothing of the machine's own changes.
 * @param {string} series
 * @returns {string[]}
 */
function releaseOptions(series) {
  const release = RELEASES.get(series);
  if (release === undefined) return [];
  const sites = output('apt-get', ['indextargets', '--format', '$(LABEL) $(SITE)', 'Created-By: Packages']);
  const [, site] = /^Debian (\S+)$/m.exec(sites.toString('utf8')) ?? [];
  if (site === undefined) throw new Error('apt has no mirror of Debian');
  const directory = join(CACHE, `apt-${release}`);
  for (const part of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(directory, part), { recursive: true });
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(join(directory, 'sources.list'), `deb [signed-by=${keys}] ${site} ${release} main\n`);
  return [
    `Dir::Etc::SourceList=${join(directory, 'sources.list')}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${join(directory, 'lists')}`,
    `Dir::Cache=${join(directory, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap(option => ['-o', option]);
}

/** The kernel of an older release that the mirror has no longer. */
export class NotToBeHad extends Error {
  /** @param {string} why */
  constructor(why) {
    super(`this kernel is not to be had: ${why}`);
  }
}

/**
 * Downloads beside the cache and moves the result into it, so that what is there is complete.
 * @param {string} series
 * @param {string} directory
 */
function download(series, directory) {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'new-'));
  try {
    const options = releaseOptions(series);
    const name = findPackage(series, options);
    say(`downloading ${name}`);
    output('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...options, name], { cwd: work });
    const archive = readdirSync(work).find(file => file.endsWith('.deb')) ?? '';
    output('dpkg', ['-x', archive, 'unpacked'], { cwd: work });
    const ready = join(work, 'ready');
    mkdirSync(join(ready, 'modules'), { recursive: true });
    collect(join(work, 'unpacked'), ready);
    if (!existsSync(directory)) renameSync(ready, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} series
 * @param {readonly string[]} options
 */
function findPackage(series, options) {
  const found = newestPackage(series, options);
  if (found !== undefined) return found;
  say('asking Debian which kernels there are');
  output('apt-get', ['update', '-qq', ...options]);
  const updated = newestPackage(series, options);
  if (updated === undefined) throw new Error(`apt knows no package linux-image-${series}.*-cloud-amd64`);
  return updated;
}

/**
 * Signed and unsigned packages hold the same kernel; at times a release has only one of them.
 * @param {string} series
 * @param {readonly string[]} options
 */
function newestPackage(series, options) {
  const pattern = `^linux-image-${series.replace('.', '\\.')}\\..*-cloud-amd64(-unsigned)?$`;
  const search = ['search', ...options, '--names-only', pattern];
  const lines = output('apt-cache', search).toString('utf8').split('\n');
  const names = lines.map(line => line.split(' ')[0] ?? '').filter(Boolean);
  return names.sort(byNumbers).at(-1);
}

/**
 * Signed packages last among equals.
 * @param {string} a
 * @param {string} b
 */
function byNumbers(a, b) {
  const [left, right] = [a, b].map(name => (name.match(/\d+/g) ?? []).map(Number));
  for (let i = 0; i < 6; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return b.length - a.length;
}

/**
 * Kernel and modules out of an unpacked package.
 * @param {string} unpacked
 * @param {string} ready
 */
function collect(unpacked, ready) {
  const boot = join(unpacked, 'boot');
  const image = readdirSync(boot).find(file => file.startsWith('vmlinuz-'));
  if (image === undefined) throw new Error('the package holds no kernel');
  cpSync(join(boot, image), join(ready, 'vmlinuz'));
  cpSync(join(boot, image.replace('vmlinuz', 'config')), join(ready, 'config'));
  const files = moduleFiles(join(unpacked, 'lib', 'modules'));
  /** @type {string[]} */
  const order = [];
  for (const name of MODULES) addModule(name, files, ready, order);
  writeFileSync(join(ready, 'modules', 'order'), order.map(name => `${name}\n`).join(''));
}

/**
 * Files by module name.
 * @param {string} directory
 * @returns {Map<string, string>}
 */
function moduleFiles(directory) {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return new Map(
    names.flatMap(name => {
      const [, module = ''] = /([^/]+)\.ko(?:\.xz)?$/.exec(name) ?? [];
      return module === '' ? [] : [[module.replaceAll('-', '_'), join(directory, name)]];
    }),
  );
}

/**
 * A module after those that it says it depends on.
 * @param {string} name
 * @param {ReadonlyMap<string, string>} files
 * @param {string} ready
 * @param {string[]} order
 */
function addModule(name, files, ready, order) {
  const file = files.get(name);
  if (file === undefined || order.includes(name)) return;
  const bytes = file.endsWith('.xz') ? output('xz', ['-dc', file]) : readFileSync(file);
  const [, depends = ''] = /\0depends=([\w,-]*)\0/.exec(bytes.toString('latin1')) ?? [];
  for (const other of depends.split(',').filter(Boolean))
    addModule(other.replaceAll('-', '_'), files, ready, order);
  writeFileSync(join(ready, 'modules', `${name}.ko`), bytes);
  order.push(name);
}
