// The processes of a virtual machine: qemu, and the server that shows it this machine's files. They end with the process
// that started them, whatever ends it.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Where Debian's qemu-system-common puts it. */
export const VIRTIOFSD = '/usr/lib/qemu/virtiofsd';

/**
 * What belongs to one machine, and has to go with it. `complaints` is what qemu and virtiofsd wrote to standard error.
 * @typedef {{ directory: string, children: import('node:child_process').ChildProcess[], complaints: string }} Running
 */

/** @param {Running} running */
export function end({ directory, children }) {
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}

/**
 * The children end with this process, whatever ends it.
 * @param {Running} running
 * @param {string} command
 * @param {readonly string[]} args
 */
export function start(running, command, args) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.children.push(child);
  return child;
}

/**
 * Shows this machine's files through a read-only bind mount, in a mount namespace of its own that ends
 * with it: those of the root file system, and those that hold `places`.
 * @param {Running} running
 * @param {readonly string[]} places
 */
export function startFileServer(running, places) {
  const view = join(running.directory, 'view');
  mkdirSync(view);
  const script = [
    'set -e',
    'mount --make-rprivate /',
    'view=$1 socket=$2; shift 2',
    'mount --bind / "$view"; mount -o remount,bind,ro "$view"',
    'for place; do',
    '  point=$(stat -c %m "$place")',
    '  [ "$point" = / ] || mountpoint -q "$view$point" || {',
    '    mount --bind "$point" "$view$point"; mount -o remount,bind,ro "$view$point"',
    '  }',
    'done',
    'mount -t tmpfs run /run', // it leaves a file with its process id there
    `exec ${VIRTIOFSD} -f --socket-path="$socket" -o source="$view" -o sandbox=chroot -o cache=always -o log_level=err`,
  ].join('\n');
  const args = ['--mount', 'sh', '-c', script, 'sh', view, join(running.directory, 'files.sock'), ...places];
  const child = start(running, 'unshare', args);
  child.stderr?.setEncoding('utf8').on('data', chunk => {
    running.complaints += chunk;
  });
}
