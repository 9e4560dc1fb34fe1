/**
 * The types of the running kernel and its modules, read on demand.
 *
 * vmlinux is parsed once for each process. A module's BTF continues that of vmlinux (ids and strings continue
 * where it ends), so it is read together with it, and only when its strings show that it has the name in
 * question: machines have hundreds of modules.
 */

import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { parseBtf, parseKernelBtf } from '../../btf/index.ts';
import { type CoreTarget, TypeFinder } from '../../core/index.ts';
import { bugError, inputError, platformError, quote, RootletError, within } from '../../diag/index.ts';
import { parseElf } from '../../elf/index.ts';
import {
  HOST_ORDER,
  listIds,
  Mapping,
  openById,
  readBtfBytes,
  readBtfInfo,
  type Sys,
} from '../../kernel/index.ts';

/** Types of vmlinux or of a module. */
export interface KernelTarget extends CoreTarget {
  /** Id of the BTF in the kernel; 0 for vmlinux. */
  readonly btfObject: number;
}

/** Where relocations and externs look for kernel types. */
export interface KernelTypes {
  /**
   * Throws `kernel-no-btf`, `kernel-btf-file`.
   * @internal
   */
  vmlinux(): KernelTarget;
  /**
   * Modules with a type, function or variable of this name.
   * @internal
   */
  modules(name: string): readonly KernelTarget[];
}

/** Types from files and, with `sys`, from the modules that are loaded. */
export function openKernelTypes(sys: Sys | null, btfPath?: string): KernelTypes {
  return new RunningKernel(sys, btfPath);
}

interface ModuleBtf {
  readonly name: string;
  readonly id: number;
  readonly bytes: Uint8Array;
  target: KernelTarget | undefined;
}

interface Vmlinux {
  readonly target: KernelTarget;
  /** What it was parsed from. */
  readonly bytes: Uint8Array;
}

/** The types of the running kernel, which do not change while it runs. */
let running: Vmlinux | undefined;

function openVmlinux(sys: Sys | null, path: string | undefined): Vmlinux {
  const mapped = sys === null || path !== undefined ? undefined : mapVmlinux(sys);
  const { name, bytes } = mapped === undefined ? readVmlinux(path) : { name: KERNEL_FILE, bytes: mapped };
  const parse = name === KERNEL_FILE ? parseKernelBtf : parseBtf;
  const btf = within(name, () => parse(bytes, HOST_ORDER));
  return { target: { name: 'vmlinux', types: new TypeFinder(btf), btfObject: 0 }, bytes };
}

class RunningKernel implements KernelTypes {
  readonly #sys: Sys | null;
  readonly #path: string | undefined;
  #given: Vmlinux | undefined;
  #modules: readonly ModuleBtf[] | undefined;

  constructor(sys: Sys | null, path: string | undefined) {
    this.#sys = sys;
    this.#path = path;
  }

  vmlinux(): KernelTarget {
    return this.#openVmlinux().target;
  }

  #openVmlinux(): Vmlinux {
    if (this.#path !== undefined) this.#given ??= openVmlinux(this.#sys, this.#path);
    else running ??= openVmlinux(this.#sys, undefined);
    const vmlinux = this.#given ?? running;
    if (vmlinux === undefined) throw bugError([], 'no types were opened');
    return vmlinux;
  }

  modules(name: string): readonly KernelTarget[] {
    if (this.#sys === null) return [];
    this.#modules ??= readModules(this.#sys);
    return this.#modules.filter(module => mentions(module.bytes, name)).map(module => this.#open(module));
  }

  #open(module: ModuleBtf): KernelTarget {
    if (module.target === undefined) {
      const joined = joinSplitBtf(this.#openVmlinux().bytes, module.bytes);
      const btf = within(`module ${quote(module.name)}`, () => parseKernelBtf(joined, HOST_ORDER));
      module.target = { name: module.name, types: new TypeFinder(btf), btfObject: module.id };
    }
    return module.target;
  }
}

/** What `readFileSync` refuses. */
const TOO_LARGE = 2 ** 31;

/** Where the kernel shows its own types. */
const KERNEL_FILE = '/sys/kernel/btf/vmlinux';

/** Places where distributions put an image of the kernel with types, as libbpf looks for them. */
function vmlinuxPaths(version: string): string[] {
  return [
    KERNEL_FILE,
    `/boot/vmlinux-${version}`,
    `/lib/modules/${version}/vmlinux-${version}`,
    `/lib/modules/${version}/build/vmlinux`,
    `/usr/lib/modules/${version}/kernel/vmlinux`,
    `/usr/lib/debug/boot/vmlinux-${version}`,
    `/usr/lib/debug/boot/vmlinux-${version}.debug`,
    `/usr/lib/debug/lib/modules/${version}/vmlinux`,
  ];
}

function readVmlinux(path: string | undefined): { name: string; bytes: Uint8Array<ArrayBuffer> } {
  const paths = path === undefined ? vmlinuxPaths(release()) : [path];
  for (const candidate of paths) {
    const bytes = readIfThere(candidate);
    if (bytes !== undefined) return { name: candidate, bytes: btfOf(bytes, candidate) };
  }
  throw platformError(
    'kernel-no-btf',
    [],
    path === undefined ? 'the types of the kernel were not found' : `${quote(path)} ${whyUnread(path)}`,
    {
      hint: 'kernels with CONFIG_DEBUG_INFO_BTF=y show their types; for others give a BTF file (--btf FILE; option btfPath)',
      details: paths,
    },
  );
}

/**
 * The kernel's types where the kernel has them (since Linux 6.16), which stay mapped: reading them takes a
 * call for each of a thousand pages.
 */
function mapVmlinux(sys: Sys): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(KERNEL_FILE, 'r');
  } catch {
    return undefined;
  }
  try {
    const mapping = Mapping.map(sys, fd, fstatSync(fd).size, 'private');
    return typeof mapping === 'number' ? undefined : mapping.bytes;
  } finally {
    closeSync(fd);
  }
}

function readIfThere(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    return undefined;
  }
}

function whyUnread(path: string): string {
  try {
    const { size } = statSync(path);
    if (size >= TOO_LARGE) return `has ${size} bytes; files of ${TOO_LARGE} bytes and more are not read`;
  } catch {
    // it is not there, or hidden
  }
  return 'cannot be read';
}

/** Raw BTF as it is, or the `.BTF` section of an ELF file. */
function btfOf(bytes: Uint8Array<ArrayBuffer>, path: string): Uint8Array<ArrayBuffer> {
  if (bytes[0] !== 0x7f) return bytes;
  const section = parseElf({ name: path, bytes }).sections.find(candidate => candidate.name === '.BTF');
  if (section === undefined) throw inputError('kernel-btf-file', [path], 'has no section ".BTF"');
  return Uint8Array.from(section.bytes);
}

/** All loaded modules with types. Without the rights to list them there are none. */
function readModules(sys: Sys): ModuleBtf[] {
  try {
    return listIds(sys, 'btf').flatMap(id => readModule(sys, id));
  } catch (error) {
    if (error instanceof RootletError) return [];
    throw error;
  }
}

function readModule(sys: Sys, id: number): ModuleBtf[] {
  const fd = openById(sys, 'btf', id);
  if (fd === undefined) return [];
  try {
    const info = readBtfInfo(sys, fd.number);
    if (!info.kernel || info.name === 'vmlinux') return [];
    return [{ name: info.name, id, bytes: readBtfBytes(sys, fd.number), target: undefined }];
  } finally {
    fd.close();
  }
}

/** Whether the name, or the name with a flavour, is among the strings. May be wrong in favour of yes. */
function mentions(bytes: Uint8Array, name: string): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.includes(`\0${name}\0`) || buffer.includes(`\0${name}___`);
}

const HEADER_LENGTH = 4;
const TYPE_OFFSET = 8;
const TYPE_LENGTH = 12;
const STRING_OFFSET = 16;
const STRING_LENGTH = 20;

/** One BTF out of vmlinux's and a module's: types and strings of the second after those of the first. */
export function joinSplitBtf(base: Uint8Array, split: Uint8Array): Uint8Array {
  const a = partsOf(base);
  const b = partsOf(split);
  const header = base.slice(0, a.headerLength);
  const view = new DataView(header.buffer);
  const little = HOST_ORDER === 'little';
  const types = a.types.length + b.types.length;
  view.setUint32(TYPE_OFFSET, 0, little);
  view.setUint32(TYPE_LENGTH, types, little);
  view.setUint32(STRING_OFFSET, types, little);
  view.setUint32(STRING_LENGTH, a.strings.length + b.strings.length, little);
  return Uint8Array.from(Buffer.concat([header, a.types, b.types, a.strings, b.strings]));
}

function partsOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < STRING_LENGTH + 4) throw inputError('btf-truncated', [], 'is shorter than a header');
  const word = (offset: number) => view.getUint32(offset, HOST_ORDER === 'little');
  const headerLength = word(HEADER_LENGTH);
  const part = (offset: number, length: number) =>
    bytes.subarray(headerLength + word(offset), headerLength + word(offset) + word(length));
  return {
    headerLength,
    types: part(TYPE_OFFSET, TYPE_LENGTH),
    strings: part(STRING_OFFSET, STRING_LENGTH),
  };
}
