/**
 * The types of the running kernel and its modules, read on demand.
 *
 * vmlinux is parsed once for each process. A module's BTF continues that of vmlinux (ids and strings continue
 * where it ends), so it is read together with it, and only when its strings show that it has the name in
 * question: machines have hundreds of modules.
 */

import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { type Btf, parseBtf, parseKernelBtf, type RawBtf } from '../../btf/index.ts';
import { type FileSource, given } from '../../bytes/index.ts';
import { type CoreTarget, TypeFinder } from '../../core/index.ts';
import {
  bugError,
  inputError,
  type Limits,
  platformError,
  quote,
  RootletError,
  within,
} from '../../diag/index.ts';
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
import { BTF_MAGIC, BTF_VERSION, ENOSYS } from '../../uapi/index.ts';

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

/** Types from files and, with `sys`, from the modules that are loaded. `limits`: of a file that is given. */
export function openKernelTypes(sys: Sys | null, btfPath?: string, limits?: Limits): KernelTypes {
  return new RunningKernel(sys, btfPath, limits);
}

interface ModuleBtf {
  readonly name: string;
  readonly id: number;
  readonly bytes: Uint8Array;
  target: KernelTarget | undefined;
}

/** The types of the running kernel, which do not change while it runs. */
let running: KernelTarget | undefined;

function openVmlinux(sys: Sys | null, path: string | undefined, limits: Limits | undefined): KernelTarget {
  const shown = path === undefined || path === KERNEL_FILE ? readRunning(sys) : undefined;
  const btf = shown ?? readFirst(path, limits);
  return { name: 'vmlinux', types: new TypeFinder(btf), btfObject: 0 };
}

class RunningKernel implements KernelTypes {
  readonly #sys: Sys | null;
  readonly #path: string | undefined;
  readonly #limits: Limits | undefined;
  #given: KernelTarget | undefined;
  #modules: readonly ModuleBtf[] | undefined;

  constructor(sys: Sys | null, path: string | undefined, limits: Limits | undefined) {
    this.#sys = sys;
    this.#path = path;
    this.#limits = limits;
  }

  vmlinux(): KernelTarget {
    if (this.#path !== undefined) this.#given ??= openVmlinux(this.#sys, this.#path, this.#limits);
    else running ??= openVmlinux(this.#sys, undefined, undefined);
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
      const { btf: base } = this.vmlinux().types;
      const btf = within(`module ${quote(module.name)}`, () =>
        parseKernelBtf(sourceOf(joinSplitBtf(base, module.bytes)), HOST_ORDER),
      );
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

/** The types of the first file that is there, which nothing has checked before. */
function readFirst(path: string | undefined, limits: Limits | undefined): Btf {
  const paths = path === undefined ? vmlinuxPaths(release()) : [path];
  for (const candidate of paths) {
    const contents = readIfThere(candidate);
    if (contents === undefined) continue;
    const bytes = btfOf(contents, candidate, limits);
    return within(candidate, () => parseBtf(bytes, HOST_ORDER, given({ limits })));
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

/** What the running kernel shows of its types; undefined where it shows none. */
function readRunning(sys: Sys | null): Btf | undefined {
  let fd: number;
  try {
    fd = openSync(KERNEL_FILE, 'r');
  } catch {
    return undefined;
  }
  try {
    return within(KERNEL_FILE, () => readOpened(sys, fd));
  } finally {
    closeSync(fd);
  }
}

/**
 * The opened file where the kernel has it (mapped, since Linux 6.16): to read it takes a call for each of a thousand
 * pages, and to copy it as long as to search it.
 */
function readOpened(sys: Sys | null, fd: number): Btf {
  const { size } = fstatSync(fd);
  const opened = { size, read: (into: Uint8Array) => readSync(fd, into), close: () => {} };
  const mapping = sys === null ? ENOSYS : Mapping.map(sys, fd, size, 'private');
  if (sys === null || typeof mapping === 'number') return parseKernelBtf(opened, HOST_ORDER);
  try {
    const source = sourceOf(mapping.bytes);
    return parseKernelBtf(source, HOST_ORDER, pages => mapping.moveTo(sys.addressOf(pages)));
  } finally {
    mapping.close();
  }
}

/** Bytes to be read from their start. */
function sourceOf(bytes: Uint8Array): FileSource {
  let at = 0;
  const read = (into: Uint8Array): number => {
    const part = bytes.subarray(at, at + into.length);
    into.set(part);
    at += part.length;
    return part.length;
  };
  return { size: bytes.length, read, close: () => {} };
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
function btfOf(
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
  limits: Limits | undefined,
): Uint8Array<ArrayBuffer> {
  if (bytes[0] !== 0x7f) return bytes;
  const file = parseElf({ name: path, bytes }, given({ limits }));
  const section = file.sections.find(candidate => candidate.name === '.BTF');
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

const HEADER_SIZE = 24;
const HEADER_LENGTH = 4;
const TYPE_OFFSET = 8;
const TYPE_LENGTH = 12;
const STRING_OFFSET = 16;
const STRING_LENGTH = 20;

/** One BTF out of vmlinux's and a module's: types and strings of the second after those of the first. */
export function joinSplitBtf(base: RawBtf, split: Uint8Array): Uint8Array<ArrayBuffer> {
  const { types, strings } = partsOf(split);
  const size = base.words.byteLength + types.length;
  const joined = new Uint8Array(HEADER_SIZE + size + base.strings.length + strings.length);
  const view = new DataView(joined.buffer);
  const little = HOST_ORDER === 'little';
  view.setUint16(0, BTF_MAGIC, little);
  view.setUint8(2, BTF_VERSION);
  view.setUint32(HEADER_LENGTH, HEADER_SIZE, little);
  view.setUint32(TYPE_LENGTH, size, little);
  view.setUint32(STRING_OFFSET, size, little);
  view.setUint32(STRING_LENGTH, base.strings.length + strings.length, little);
  let at = HEADER_SIZE;
  const { buffer, byteOffset, byteLength } = base.words;
  for (const part of [new Uint8Array(buffer, byteOffset, byteLength), types, base.strings, strings]) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function partsOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE) throw inputError('btf-truncated', [], 'is shorter than a header');
  const word = (offset: number) => view.getUint32(offset, HOST_ORDER === 'little');
  const part = (offset: number, length: number) =>
    bytes.subarray(word(HEADER_LENGTH) + word(offset), word(HEADER_LENGTH) + word(offset) + word(length));
  return { types: part(TYPE_OFFSET, TYPE_LENGTH), strings: part(STRING_OFFSET, STRING_LENGTH) };
}
