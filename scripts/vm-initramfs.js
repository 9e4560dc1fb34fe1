// The file system that a kernel of the virtual machine starts from: busybox, modules, and the first process. It is written
// as the `cpio` archive (newc) that kernels read, since it takes less code to write one than to call the command.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Statically linked, so that nothing else has to be there (Debian's busybox-static). */
export const BUSYBOX = '/bin/busybox';

/** Tag of the virtiofs that shows the host's files. */
export const ROOT_TAG = 'host';

/**
 * The first process. The host's files are seen read-only, with a layer of memory on top that takes all writes; that the
 * guest cannot change the host is not left to it, though: the host exports its files read-only. Output of the job is the
 * first serial port, the kernel's messages are the second. No `set -e`: whatever happens, the machine has to power off.
 */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
stty -F /dev/ttyS0 raw -echo
exec >/dev/ttyS0 2>&1
for module in $(cat /modules/order); do insmod /modules/$module.ko || echo "vm: no module $module"; done
mount -t virtiofs -o ro ${ROOT_TAG} /host || echo 'vm: no files of the host'
mount -t tmpfs -o mode=755 layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root || echo 'vm: no root'
mount --move /dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t tmpfs -o mode=755 run /root/run
mkdir -p /root/boot
mount -t bpf -o mode=0700 bpf /root/sys/fs/bpf
mount -t cgroup2 cgroup /root/sys/fs/cgroup
mount -t tracefs trace /root/sys/kernel/tracing
ifconfig lo up
cp /config "/root/boot/config-$(uname -r)"
cp /job /root/run/vm-job
chroot /root /bin/sh /run/vm-job </root/dev/null
status=$?
exec >/root/dev/ttyS0
printf '\\n%s %d\\n' "$(cat /marker)" $status
exec >/root/dev/null
poweroff -f
`;

/**
 * @param {import('./vm-kernel.js').Kernel} kernel
 * @param {{ job: string, marker: string }} texts    A shell script, and what goes before its status at the end.
 * @returns {Buffer}
 */
export function makeInitramfs({ config, modules }, { job, marker }) {
  const directories = ['bin', 'dev', 'host', 'layer', 'modules', 'root'];
  const order = modules.map(file => basename(file, '.ko')).join('\n');
  return Buffer.concat([
    ...directories.map(name => entry(name, 0o040755, Buffer.alloc(0))),
    entry('bin/busybox', 0o100755, readFileSync(BUSYBOX)),
    ...modules.map(file => entry(`modules/${basename(file)}`, 0o100644, readFileSync(file))),
    entry('modules/order', 0o100644, Buffer.from(order)),
    entry('config', 0o100644, readFileSync(config)),
    entry('job', 0o100644, Buffer.from(job)),
    entry('marker', 0o100644, Buffer.from(marker)),
    entry('init', 0o100755, Buffer.from(INIT)),
    entry('TRAILER!!!', 0, Buffer.alloc(0)),
  ]);
}

let inode = 1;

/**
 * Header of 13 hexadecimal words, name, contents; each padded to four bytes.
 * @param {string} name
 * @param {number} mode
 * @param {Buffer} contents
 */
function entry(name, mode, contents) {
  const fields = [inode++, mode, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = `070701${fields.map(value => value.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head, 'latin1')), padded(contents)]);
}

/** @param {Buffer} bytes */
function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
