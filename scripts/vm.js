#!/usr/bin/env node
// A virtual machine for tests: another kernel (6.1, 6.12, …) with this machine's files, for what the own kernel may not
// do or is too new for. Boots qemu, runs one command as root in the current directory, powers off.
//
//   node scripts/vm.js 6.12 -- command…     exit status is the command's; 124 after the time limit, 125 when the machine fails
//
// The processor is emulated (no KVM): everything takes about ten times as long as outside.
import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BUSYBOX, makeInitramfs, ROOT_TAG } from './vm-initramfs.js';
import { provideKernel, say } from './vm-kernel.js';
import { end, start, startFileServer, VIRTIOFSD } from './vm-processes.js';

/** @typedef {import('./vm-processes.js').Running} Running */

const CHECKOUT = dirname(dirname(fileURLToPath(import.meta.url)));
const QEMU = 'qemu-system-x86_64';

/** Debian packages that the machine needs, and a file that shows that one is there. */
const NEEDED = /** @type {const} */ ([
  [QEMU, 'qemu-system-x86_64 is not installed'],
  [VIRTIOFSD, 'virtiofsd of qemu-system-common is not installed'],
  [BUSYBOX, 'busybox-static is not installed'],
  ['xz', 'xz-utils is not installed'],
  ['setpriv', 'util-linux is not installed'],
]);

/**
 * `cx16=off`: with it this qemu (7.2) corrupts the guest's memory. `la57=off` spares a level of page tables. Measures
 * against faults of real processors cost a lot here (a TLB flush with each system call), and protect nobody.
 */
const PROCESSOR = 'max,la57=off,cx16=off';
const KERNEL_PARAMETERS = [
  'console=ttyS1',
  'loglevel=4',
  'panic=-1',
  'mitigations=off',
  'audit=0',
  'random.trust_cpu=on',
  'rcupdate.rcu_expedited=1',
];

/**
 * @typedef {object} VmOptions
 * @property {number} [timeoutMs]    Hard limit for everything from boot to power-off. Default 5 minutes.
 * @property {number} [megabytes]    Memory. Default 1024.
 * @property {string} [cwd]          Where the script runs. Default the current directory.
 * @property {(text: string) => void} [onOutput]    Sees output as it comes.
 */

/**
 * @typedef {object} VmResult
 * @property {number} status    The script's exit status.
 * @property {string} output    What it wrote, standard error included.
 */

/** The machine did not get as far as the end of the script. `console` is what the kernel said. */
export class VmError extends Error {
  /**
   * @param {string} message
   * @param {'time limit' | 'machine'} kind
   * @param {string} [output]
   */
  constructor(message, kind, output = '') {
    super(message);
    this.kind = kind;
    this.output = output;
  }
}

/**
 * Why there can be no virtual machine here; undefined when there can be one.
 * @returns {string | undefined}
 */
export function vmMissing() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'not Linux on x86-64';
  if (process.getuid?.() !== 0) return 'not root';
  return NEEDED.find(([command]) => !isThere(command))?.[1];
}

/** @param {string} command */
function isThere(command) {
  const { PATH = '' } = process.env;
  const directories = [...PATH.split(delimiter), '/usr/sbin', '/sbin'];
  const paths = command.startsWith('/') ? [command] : directories.map(directory => join(directory, command));
  return paths.some(path => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Boots a kernel, runs a shell script in it as root, and powers off. The script sees this machine's files at the same
 * paths; what it writes goes away with the machine. There is no network but the loopback.
 * Throws `VmError` when the machine does not come up or takes too long.
 * @param {string} series     Such as `6.12`; downloaded when it is not there.
 * @param {string} script     For /bin/sh.
 * @param {VmOptions} [options]
 * @returns {Promise<VmResult>}
 */
export async function bootAndRun(series, script, options = {}) {
  const why = vmMissing();
  if (why !== undefined) throw new VmError(why, 'machine');
  const kernel = provideKernel(series);
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-vm-'));
  const marker = `vm-status-${randomUUID()}`;
  const cwd = options.cwd ?? process.cwd();
  const job = jobOf(script, cwd);
  writeFileSync(join(directory, 'initramfs'), makeInitramfs(kernel, { job, marker }));
  /** @type {Running} */
  const running = { directory, children: [], complaints: '' };
  const leave = () => end(running);
  process.once('exit', leave);
  try {
    startFileServer(running, [cwd, CHECKOUT, tmpdir(), process.execPath]);
    const output = await runMachine(running, kernel.image, marker, options);
    return splitAtMarker(output, marker, running.complaints + consoleOf(directory));
  } finally {
    leave();
    process.off('exit', leave);
  }
}

/**
 * Environment of the script: enough for Node and Debian's commands, and what tells a test run how to behave.
 * @param {string} script
 * @param {string} cwd
 */
function jobOf(script, cwd) {
  const { CI, NO_COLOR, PATH = '', ROOTLET_TEST_FIRST_STEP } = process.env;
  const path = `${PATH}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const variables = Object.entries({
    PATH: path,
    HOME: '/root',
    TERM: 'dumb',
    LANG: 'C.UTF-8',
    CI,
    NO_COLOR,
    ROOTLET_TEST_FIRST_STEP,
  });
  return [
    ...variables.flatMap(([name, value]) => (value === undefined ? [] : [`export ${name}=${quoted(value)}`])),
    `cd ${quoted(cwd)} || exit 125`,
    script,
    '',
  ].join('\n');
}

/** For the shell. @param {string} text */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * @param {Running} running
 * @param {string} image
 * @param {string} marker
 * @param {VmOptions} options
 * @returns {Promise<string>}
 */
async function runMachine(running, image, marker, options) {
  const { directory } = running;
  const socket = join(directory, 'files.sock');
  const limit = Date.now() + (options.timeoutMs ?? 300_000);
  while (!existsSync(socket)) {
    if (running.children.some(child => child.exitCode !== null) || Date.now() > limit)
      throw new VmError(`virtiofsd does not start${tailOf('words', running.complaints)}`, 'machine');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  const memory = `${options.megabytes ?? 1024}M`;
  const child = start(running, QEMU, [
    ...['-M', 'q35,accel=tcg', '-cpu', PROCESSOR, '-smp', '2', '-m', memory],
    ...['-object', `memory-backend-memfd,id=memory,size=${memory},share=on`, '-numa', 'node,memdev=memory'],
    ...['-chardev', `socket,id=files,path=${socket}`],
    ...['-device', `vhost-user-fs-pci,chardev=files,tag=${ROOT_TAG}`],
    ...['-kernel', image, '-initrd', join(directory, 'initramfs'), '-append', KERNEL_PARAMETERS.join(' ')],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', 'stdio', '-serial', `file:${join(directory, 'console')}`],
  ]);
  let text = '';
  let shown = 0;
  child.stdout?.setEncoding('utf8').on('data', chunk => {
    text += chunk;
    const end = endOfOutput(text, `\n${marker} `);
    options.onOutput?.(text.slice(shown, end));
    shown = Math.max(shown, end);
  });
  child.stderr?.setEncoding('utf8').on('data', chunk => {
    running.complaints += chunk;
  });
  const ended = await new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), Math.max(0, limit - Date.now()));
    child.on('close', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  if (ended) return text;
  throw new VmError(`the time limit is over${tailOf('console', consoleOf(directory))}`, 'time limit', text);
}

/**
 * Where output ends: before the line with the status, or before what may become one.
 * @param {string} text
 * @param {string} ending
 */
function endOfOutput(text, ending) {
  const at = text.indexOf(ending);
  if (at >= 0) return at;
  const last = text.lastIndexOf('\n');
  return last >= 0 && ending.startsWith(text.slice(last)) ? last : text.length;
}

/**
 * @param {string} output
 * @param {string} marker
 * @param {string} kernelSays
 * @returns {VmResult}
 */
function splitAtMarker(output, marker, kernelSays) {
  const at = output.indexOf(`\n${marker} `);
  if (at < 0) {
    const told = tailOf('output', output) + tailOf('console', kernelSays);
    throw new VmError(`the machine ended before the script${told}`, 'machine', output);
  }
  return { status: Number.parseInt(output.slice(at + marker.length + 2), 10), output: output.slice(0, at) };
}

/** @param {string} directory */
function consoleOf(directory) {
  const path = join(directory, 'console');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Where the kernel reports what went wrong, many lines before its end. */
const CRASH = /Kernel panic|BUG:|Oops|general protection fault|unable to handle/;

/** The last lines of a text, for a message; of a crash the first. @param {string} title @param {string} text */
function tailOf(title, text) {
  const lines = text.trimEnd().split('\n');
  const crash = lines.findIndex(line => CRASH.test(line));
  const shown = crash < 0 ? lines.slice(-20) : lines.slice(crash, crash + 30);
  return shown.join('') === '' ? '' : `; end of its ${title}:\n${shown.map(line => `  ${line}`).join('\n')}`;
}

/** @param {readonly string[]} args */
async function main(args) {
  const at = args.indexOf('--');
  const [series] = args;
  if (at !== 1 || series === undefined || args.length === 2) {
    say('usage: node scripts/vm.js KERNEL -- command…   (KERNEL: 6.1, 6.12)');
    return 125;
  }
  const script = args.slice(2).map(quoted).join(' ');
  const { VM_TIMEOUT_SECONDS } = process.env;
  const timeoutMs = 1000 * Number(VM_TIMEOUT_SECONDS ?? 600);
  const { status } = await bootAndRun(series, script, {
    timeoutMs,
    onOutput: text => process.stdout.write(text),
  });
  return status;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => process.exit(125));
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = error instanceof VmError && error.kind === 'time limit' ? 124 : 125;
  }
}
