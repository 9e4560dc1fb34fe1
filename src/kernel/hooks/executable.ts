/**
 * Where a function of an executable or a shared library is in its file: the target of user-space probes.
 *
 * Separate from `elf/`, which handles BPF objects only. These files are untrusted as well: everything is
 * checked.
 */

import { statSync } from 'node:fs';
import { viewOf } from '../../bytes/index.ts';
import { inputError, platformError, quote } from '../../diag/index.ts';
import { PF_X, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB, STT_FUNC, STT_GNU_IFUNC } from '../../elf/index.ts';
import { readRegular } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';

/**
 * Full path of a program or library as the kernel expects it; a name without `/` is looked for as a shell or
 * ld would.
 */
export function findExecutable(name: string): string {
  if (name.includes('/')) return name;
  const { PATH = '', LD_LIBRARY_PATH = '' } = process.env;
  const directories = name.includes('.so')
    ? [...LD_LIBRARY_PATH.split(':'), ...LIBRARY_DIRECTORIES]
    : [...PATH.split(':'), '/usr/bin', '/usr/sbin'];
  for (const directory of directories) {
    if (directory !== '' && isFile(`${directory}/${name}`)) return `${directory}/${name}`;
  }
  throw platformError('kernel-no-executable', [], `${quote(name)} is not in any of the usual directories`, {
    hint: 'give its full path',
  });
}

const TRIPLETS: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
};
const LIBRARY_DIRECTORIES = ['/lib64', '/usr/lib64', '/lib', '/usr/lib'].flatMap(directory => {
  const triplet = TRIPLETS[process.arch];
  return triplet === undefined ? [directory] : [directory, `${directory}/${triplet}`];
});

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * File offset of a function, by its name with or without a version (`malloc`, `malloc@@GLIBC_2.2.5`). Throws
 * `kernel-no-executable` and `kernel-no-function`.
 */
export function functionOffset(path: string, name: string): number {
  const bytes = readWhole(path);
  const file = new Executable(bytes, path);
  const address = file.functionAddress(name);
  if (address === undefined) {
    throw platformError('kernel-no-function', [path], `has no function ${quote(name)}`, {
      hint: 'stripped files only have the functions that they export; an offset can be given instead of a name',
    });
  }
  return file.fileOffset(address);
}

function readWhole(path: string): Uint8Array {
  try {
    return readRegular(path);
  } catch {
    throw platformError('kernel-no-executable', [], `${quote(path)} cannot be read`);
  }
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/** A 64-bit ELF file of this machine's byte order. */
class Executable {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #path: string;

  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#path = path;
    const order = HOST_ORDER === 'little' ? 1 : 2;
    const isElf = [0x7f, 0x45, 0x4c, 0x46, 2, order].every((byte, at) => bytes[at] === byte);
    if (!isElf || bytes.length < 64) throw this.#bad('is not a 64-bit ELF file of this machine');
  }

  /** First match of `.symtab`, then of `.dynsym`. */
  functionAddress(name: string): bigint | undefined {
    const sections = this.#sections();
    for (const type of [SHT_SYMTAB, SHT_DYNSYM]) {
      for (const table of sections.filter(section => section.type === type)) {
        const found = this.#findIn(table, sections[table.link], name);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** By the executable segment that holds the address. */
  fileOffset(address: bigint): number {
    const start = this.#long(32);
    const size = this.#half(54);
    const count = this.#half(56);
    for (let at = start, n = 0; n < count; n++, at += size) {
      if (this.#word(at) !== PT_LOAD || this.#word(at + 4) % 2 !== PF_X) continue;
      const [offset, base, length] = [this.#long(at + 8), this.#wide(at + 16), this.#wide(at + 32)];
      if (address >= base && address < base + length) return offset + Number(address - base);
    }
    throw this.#bad('has no executable segment with this function');
  }

  #findIn(table: Section, strings: Section | undefined, name: string): bigint | undefined {
    if (strings === undefined) return undefined;
    const wanted = new TextEncoder().encode(name);
    for (let at = table.offset; at + 24 <= table.offset + table.size; at += 24) {
      const kind = this.#byte(at + 4) % 16;
      const value = this.#wide(at + 8);
      if ((kind !== STT_FUNC && kind !== STT_GNU_IFUNC) || value === 0n) continue;
      if (this.#named(strings.offset + this.#word(at), wanted)) return value;
    }
    return undefined;
  }

  /** The name ends with the text or continues with a version. */
  #named(at: number, wanted: Uint8Array): boolean {
    for (let n = 0; n < wanted.length; n++) if (this.#bytes[at + n] !== wanted[n]) return false;
    const next = this.#bytes[at + wanted.length];
    return next === 0 || next === 0x40;
  }

  #sections(): Section[] {
    const start = this.#long(40);
    const size = this.#half(58);
    const count = this.#half(60);
    return Array.from({ length: start === 0 ? 0 : count }, (_, n) => {
      const at = start + n * size;
      return {
        type: this.#word(at + 4),
        offset: this.#long(at + 24),
        size: this.#long(at + 32),
        link: this.#word(at + 40),
      };
    });
  }

  #need(at: number, length: number): number {
    if (!Number.isSafeInteger(at) || at < 0 || at + length > this.#bytes.length)
      throw this.#bad('is cut off or damaged');
    return at;
  }

  #byte(at: number): number {
    return this.#view.getUint8(this.#need(at, 1));
  }
  #half(at: number): number {
    return this.#view.getUint16(this.#need(at, 2), HOST_ORDER === 'little');
  }
  #word(at: number): number {
    return this.#view.getUint32(this.#need(at, 4), HOST_ORDER === 'little');
  }
  #wide(at: number): bigint {
    return this.#view.getBigUint64(this.#need(at, 8), HOST_ORDER === 'little');
  }
  #long(at: number): number {
    return Number(this.#wide(at));
  }

  #bad(message: string) {
    return inputError('kernel-bad-executable', [this.#path], message);
  }
}
