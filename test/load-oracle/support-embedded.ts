/**
 * BPF objects inside of other programs: tools made with skeletons (`bpftool gen skeleton`) carry their objects as data.
 * Taken out of what Debian's packages installed, they are a hundred objects of real users.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EM_BPF } from '../../src/elf/constants.ts';

const PACKAGES = ['libbpf-tools', 'xdp-tools', 'bpftool', 'iproute2', 'systemd'];

const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2]); // of 64 bits
const HEADER_SIZE = 64;

/** Every BPF object inside of `bytes`, which is not one itself. Its section headers are the last thing in it. */
export function embeddedObjects(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = bytes.indexOf(ELF_MAGIC, 1); at > 0; at = bytes.indexOf(ELF_MAGIC, at + 1)) {
    if (at + HEADER_SIZE > bytes.length || bytes.readUInt16LE(at + 18) !== EM_BPF) continue;
    const headers = bytes.readUInt16LE(at + 58) * bytes.readUInt16LE(at + 60);
    found.push(bytes.subarray(at, at + Number(bytes.readBigUInt64LE(at + 40)) + headers));
  }
  return found;
}

/** Writes the objects of installed packages into `directory`, as `PROGRAM.o` or `PROGRAM-N.o`, and returns their paths. */
export function writeEmbeddedObjects(directory: string, packages: readonly string[] = PACKAGES): string[] {
  mkdirSync(directory, { recursive: true });
  const written: string[] = [];
  const seen = new Set<string>();
  for (const file of packages.flatMap(filesOf)) {
    const real = realpathSync(file);
    if (seen.has(real)) continue; // one program by many names
    seen.add(real);
    embeddedObjects(readFileSync(real)).forEach((bytes, index) => {
      const name = `${path.basename(real)}${index === 0 ? '' : `-${index + 1}`}.o`;
      const target = path.join(directory, name);
      writeFileSync(target, bytes);
      written.push(target);
    });
  }
  return written;
}

function filesOf(name: string): string[] {
  try {
    const list = execFileSync('dpkg', ['-L', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return list.split('\n').filter(file => file !== '' && existsSync(file) && statSync(file).isFile());
  } catch {
    return []; // not installed
  }
}
