/**
 * What externs need of the running kernel besides its types: configuration, version, addresses of symbols.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release, version } from 'node:os';
import { syscallFunction } from '../../kernel/index.ts';
import { kernelVersionCode } from './kernel-version.ts';

/** A port, so that binding can be tested for any kernel. */
export interface KernelFacts {
  /** Text of the build configuration; undefined when none can be read. */
  config(): string | undefined;
  /** LINUX_VERSION_CODE. */
  versionCode(): number;
  /** Addresses by name; a name that represents several has several. Names that are not there are left out. */
  addresses(names: ReadonlySet<string>): ReadonlyMap<string, readonly bigint[]>;
  /** Whether bpf_get_attach_cookie() exists. */
  hasCookie(): boolean;
  /** Whether system calls are entered through wrappers such as `__x64_sys_…`. */
  hasSyscallWrapper(): boolean;
}

/** Facts of the running kernel. `hasCookie` is a probe of the caller. */
export function runningKernelFacts(hasCookie: () => boolean): KernelFacts {
  return {
    config: () => readConfig(),
    versionCode: () => kernelVersionCode(release(), version(), readText('/proc/version_signature') ?? ''),
    addresses: names => findAddresses(readText('/proc/kallsyms') ?? '', names),
    hasCookie,
    hasSyscallWrapper,
  };
}

let wrapped: boolean | undefined;

/** Whether the running kernel enters system calls through wrappers. Looked up once. */
export function hasSyscallWrapper(): boolean {
  const symbol = syscallFunction('bpf', process.arch, true);
  wrapped ??= findAddresses(readText('/proc/kallsyms') ?? '', new Set([symbol])).size > 0;
  return wrapped;
}

/** Where kernels show their build configuration, as libbpf looks for it. */
export function configPaths(): readonly string[] {
  return [`/boot/config-${release()}`, '/proc/config.gz'];
}

function readConfig(): string | undefined {
  const [plain = '', packedPath = ''] = configPaths();
  const boot = readText(plain);
  if (boot !== undefined) return boot;
  try {
    const packed = readFileSync(packedPath);
    // Only where it is needed, since it brings all of Node's streams with it; the type is what Node
    // documents.
    const { gunzipSync } = createRequire(import.meta.url)('node:zlib') as typeof import('node:zlib');
    return gunzipSync(packed).toString('latin1');
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/**
 * Looks names up in the text of /proc/kallsyms: `ADDRESS TYPE NAME`, and `\t[MODULE]` for symbols of modules.
 * Suffixes that LLVM adds to data (`.llvm.123`) do not count. There are hundreds of thousands of lines: none
 * is split before its name matches.
 */
export function findAddresses(text: string, names: ReadonlySet<string>): Map<string, bigint[]> {
  const found = new Map<string, bigint[]>();
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    const next = text.indexOf('\n', start);
    end = next < 0 ? text.length : next;
    const space = text.indexOf(' ', start);
    if (space < 0 || space + 3 > end) continue;
    const name = nameIn(text, space + 3, end, text.charAt(space + 1));
    if (!names.has(name)) continue;
    const address = text.slice(start, space);
    if (!/^[0-9a-f]{1,16}$/.test(address)) continue;
    const value = BigInt(`0x${address}`);
    const known = found.get(name);
    if (known === undefined) found.set(name, [value]);
    else if (!known.includes(value)) known.push(value);
  }
  return found;
}

/** The name at `start` of a line that ends at `end`. */
function nameIn(text: string, start: number, end: number, type: string): string {
  const ofModule = text[end - 1] === ']';
  const tab = ofModule ? text.lastIndexOf('\t', end) : -1;
  const symbol = text.slice(start, tab < start ? end : tab);
  const suffix = isData(type) ? symbol.indexOf('.llvm.') : -1;
  return suffix < 0 ? symbol : symbol.slice(0, suffix);
}

function isData(type: string): boolean {
  return type === 'd' || type === 'D' || type === 'b' || type === 'B' || type === 'r' || type === 'R';
}
