/** Maps: creating them, reading and writing their elements. */

import { alignUp, given } from '../../bytes/index.ts';
import { counted, quote, usageError } from '../../diag/index.ts';
import {
  isPerCpu,
  type MapShape,
  mapFlagNeeds,
  mapFlagsText,
  mapRefusals,
  plainDefinition,
} from '../../object/index.ts';
import {
  BPF_MAP_CREATE,
  BPF_MAP_DELETE_ELEM,
  BPF_MAP_FREEZE,
  BPF_MAP_GET_NEXT_KEY,
  BPF_MAP_LOOKUP_AND_DELETE_ELEM,
  BPF_MAP_LOOKUP_ELEM,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_UPDATE_ELEM,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOMEM,
  EPERM,
  mapTypeName,
} from '../../uapi/index.ts';
import { bpf, Fd, Mapping, pageSize, possibleCpus, type Sys, syscallError } from '../sys/index.ts';
import { encodeAttr, HOST_ORDER, MapCreateAttr, MapElemAttr, MapFreezeAttr } from '../uapi/index.ts';
import { type MapDescription, readMapInfo } from './info.ts';
import { mapMachine } from './map-machine.ts';
import { pinObject } from './pin.ts';

/** What to create; everything but name, type and sizes may be left out. */
export interface MapSpec {
  /** At most 15 characters of `[A-Za-z0-9_.]`. */
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly mapExtra?: bigint;
  readonly numaNode?: number;
  /** Template for maps of maps. */
  readonly innerMapFd?: number;
  /** Program BTF and its types of key and value; all or none. */
  readonly btfFd?: number;
  readonly keyTypeId?: number;
  readonly valueTypeId?: number;
  /** struct_ops only: the type in the kernel's BTF. */
  readonly vmlinuxValueTypeId?: number;
  /** Descriptor of the module's BTF that has that type; vmlinux without it. */
  readonly valueTypeBtfFd?: number;
  readonly ifindex?: number;
}

/** BPF_MAP_CREATE without errors: the descriptor, or minus errno. */
export function tryCreateMap(sys: Sys, spec: MapSpec): number {
  const attr = encodeAttr(MapCreateAttr, {
    map_type: spec.type,
    key_size: spec.keySize,
    value_size: spec.valueSize,
    max_entries: spec.maxEntries,
    map_flags: spec.flags ?? 0,
    inner_map_fd: spec.innerMapFd ?? 0,
    numa_node: spec.numaNode ?? 0,
    map_name: spec.name,
    map_ifindex: spec.ifindex ?? 0,
    btf_fd: spec.btfFd ?? 0,
    btf_key_type_id: spec.keyTypeId ?? 0,
    btf_value_type_id: spec.valueTypeId ?? 0,
    btf_vmlinux_value_type_id: spec.vmlinuxValueTypeId ?? 0,
    map_extra: spec.mapExtra ?? 0n,
    value_type_btf_obj_fd: spec.valueTypeBtfFd ?? 0,
  });
  return bpf(sys, BPF_MAP_CREATE, attr);
}

/** A map of the kernel. Buffers for one element are kept, so that a look-up allocates only its result. */
export class BpfMap {
  readonly sys: Sys;
  readonly fd: Fd;
  readonly name: string;
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes of one value; per-CPU maps have one for each CPU (see `valueLength`). */
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Bytes that a look-up returns: for per-CPU maps, all CPUs' values, each padded to 8 bytes. */
  readonly valueLength: number;
  readonly #attr: Uint8Array;
  readonly #attrView: DataView;
  readonly #key: Uint8Array;
  readonly #value: Uint8Array;
  readonly #valueAddress: bigint;
  readonly #buffers: readonly Uint8Array[];
  #arena: Mapping | undefined;

  private constructor(
    sys: Sys,
    fd: Fd,
    shape: Pick<MapDescription, 'name' | 'type' | 'keySize' | 'valueSize' | 'maxEntries' | 'flags'>,
  ) {
    this.sys = sys;
    this.fd = fd;
    this.name = shape.name;
    this.type = shape.type;
    this.keySize = shape.keySize;
    this.valueSize = shape.valueSize;
    this.maxEntries = shape.maxEntries;
    this.flags = shape.flags;
    this.valueLength = isPerCpu(shape.type) ? alignUp(shape.valueSize, 8) * possibleCpus() : shape.valueSize;
    this.#key = new Uint8Array(Math.max(this.keySize, 8));
    this.#value = new Uint8Array(Math.max(this.valueLength, 8));
    this.#buffers = [this.#key, this.#value];
    this.#attr = encodeAttr(MapElemAttr, {
      map_fd: fd.number,
      key: this.keySize === 0 ? 0n : sys.addressOf(this.#key),
    });
    this.#valueAddress = sys.addressOf(this.#value);
    this.#attrView = new DataView(this.#attr.buffer);
  }

  /** Creates a map. Throws `kernel-map-create`. */
  static create(sys: Sys, spec: MapSpec): BpfMap {
    const result = tryCreateMap(sys, spec);
    if (result < 0) {
      const what = `creating map ${quote(spec.name)} (${describeMap(spec)})`;
      throw syscallError('kernel-map-create', [], what, result, given({ hint: createHint(spec, -result) }));
    }
    return BpfMap.fromFd(sys, Fd.adopt(sys, result), spec);
  }

  /** A map that was just created with `spec`. */
  static fromFd(sys: Sys, fd: Fd, spec: MapSpec): BpfMap {
    return new BpfMap(sys, fd, { ...spec, flags: spec.flags ?? 0 });
  }

  /** A map from a descriptor that is owned from here on; its definition is read from the kernel. */
  static adopt(sys: Sys, fd: Fd): BpfMap {
    return fd.handOver(() => new BpfMap(sys, fd, readMapInfo(sys, fd.number)));
  }

  /** The value, or undefined when there is no such element. */
  lookup(key: Uint8Array, flags = 0): Uint8Array | undefined {
    const result = this.#element(BPF_MAP_LOOKUP_ELEM, key, undefined, flags);
    if (result === -ENOENT) return undefined;
    this.#check(result, 'reading an element');
    return this.#value.slice(0, this.valueLength);
  }

  /** Whether a value may be in a bloom filter (since Linux 5.16): no is certain, yes is not. */
  mayContain(value: Uint8Array): boolean {
    const result = this.#element(BPF_MAP_LOOKUP_ELEM, new Uint8Array(0), value, 0);
    if (result === -ENOENT) return false;
    this.#check(result, 'looking for a value');
    return true;
  }

  /**
   * Takes an element out: the value, or undefined when there is none. Queues and stacks have an empty key.
   */
  lookupAndDelete(key: Uint8Array = new Uint8Array(0), flags = 0): Uint8Array | undefined {
    const result = this.#element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, undefined, flags);
    if (result === -ENOENT) return undefined;
    this.#check(result, 'taking an element');
    return this.#value.slice(0, this.valueLength);
  }

  /** Writes an element. `flags`: BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK. */
  update(key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#check(this.#element(BPF_MAP_UPDATE_ELEM, key, value, flags), 'writing an element');
  }

  /** Whether the element was there. */
  delete(key: Uint8Array): boolean {
    const result = this.#element(BPF_MAP_DELETE_ELEM, key, undefined, 0);
    if (result === -ENOENT) return false;
    this.#check(result, 'deleting an element');
    return true;
  }

  /** The key after `key` in the map's own order, the first one for undefined; undefined at the end. */
  nextKey(key: Uint8Array | undefined): Uint8Array | undefined {
    const next = new Uint8Array(Math.max(this.keySize, 8));
    if (key !== undefined) this.#setKey(key);
    const attr = encodeAttr(MapElemAttr, {
      map_fd: this.fd.number,
      key: key === undefined ? 0n : this.sys.addressOf(this.#key),
      value: this.sys.addressOf(next),
    });
    const result = bpf(this.sys, BPF_MAP_GET_NEXT_KEY, attr, [this.#key, next]);
    if (result === -ENOENT) return undefined;
    this.#check(result, 'reading the next key');
    return next.slice(0, this.keySize);
  }

  /** Elements one by one; those that are deleted meanwhile are left out. At most twice `maxEntries` steps. */
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    let key = this.nextKey(undefined);
    for (let step = 0; key !== undefined && step < 2 * this.maxEntries; step++) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
      key = this.nextKey(key);
    }
  }

  /** No more writes from user space, ever; values of a frozen read-only map are constants to the verifier. */
  freeze(): void {
    const attr = encodeAttr(MapFreezeAttr, { map_fd: this.fd.number });
    this.#check(bpf(this.sys, BPF_MAP_FREEZE, attr), 'freezing');
  }

  /** What the kernel knows of it. Throws `kernel-info`. */
  info(): MapDescription {
    return readMapInfo(this.sys, this.fd.number);
  }

  /** `shown` is the path for messages. Throws `kernel-pin`. */
  pin(path: string, shown = path): void {
    pinObject(this.sys, this.fd.number, path, shown);
  }

  /** The values of an array map with BPF_F_MMAPABLE as memory. `length` is rounded up to whole pages. */
  mmap(access: 'read' | 'read-write', length: number, offset = 0): Mapping {
    const mapping = Mapping.map(this.sys, this.fd.number, alignUp(length, pageSize()), access, offset);
    if (typeof mapping === 'number') {
      throw syscallError('kernel-map-mmap', [], `mapping map ${quote(this.name)} into memory`, mapping);
    }
    return mapping;
  }

  /**
   * The first `visible` bytes of an arena (since Linux 6.9). Mapped at the first call, whole and at `address`
   * (0: where the kernel likes); unmapped by `close()`. Throws `kernel-map-mmap`.
   */
  arena(address = 0n, visible = 0): Uint8Array {
    if (this.#arena === undefined) {
      const length = this.maxEntries * pageSize();
      const mapping = Mapping.map(this.sys, this.fd.number, length, 'read-write', 0, { address, visible });
      if (typeof mapping === 'number') {
        throw syscallError('kernel-map-mmap', [], `mapping arena ${quote(this.name)} into memory`, mapping);
      }
      this.#arena = mapping;
    }
    return this.#arena.bytes;
  }

  /**
   * Closes the descriptor and unmaps its arena. A map that nothing pins or uses ends with its last
   * descriptor.
   */
  close(): void {
    this.#arena?.close();
    this.fd.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #element(command: number, key: Uint8Array, value: Uint8Array | undefined, flags: number): number {
    this.#setKey(key);
    if (value !== undefined) this.#setValue(value);
    const little = HOST_ORDER === 'little';
    this.#attrView.setUint32(MapElemAttr.offsets.map_fd, this.fd.number, little);
    // Deleting ends at the key: the kernel requires zeros after it.
    const valueAddress = command === BPF_MAP_DELETE_ELEM ? 0n : this.#valueAddress;
    this.#attrView.setBigUint64(MapElemAttr.offsets.value, valueAddress, little);
    this.#attrView.setBigUint64(MapElemAttr.offsets.flags, BigInt(flags), little);
    return bpf(this.sys, command, this.#attr, this.#buffers);
  }

  #setKey(key: Uint8Array): void {
    if (key.length !== this.keySize) throw sizeError(this.name, 'key', key.length, this.keySize);
    this.#key.set(key);
  }

  #setValue(value: Uint8Array): void {
    if (value.length !== this.valueLength)
      throw sizeError(this.name, 'value', value.length, this.valueLength);
    this.#value.set(value);
  }

  #check(result: number, what: string): void {
    if (result < 0) throw syscallError('kernel-map-access', [`map ${quote(this.name)}`], what, result);
  }
}

function sizeError(name: string, what: string, given: number, wanted: number) {
  return usageError(
    'kernel-map-size',
    `map ${quote(name)}: ${what} has ${counted(given, 'byte')}, not ${wanted}`,
  );
}

/** Type and sizes, for messages. */
export function describeMap(spec: Omit<MapSpec, 'name'>): string {
  const flags = spec.flags ? `, flags ${mapFlagsText(spec.flags)}` : '';
  return `${mapTypeName(spec.type)}, key ${spec.keySize}, value ${spec.valueSize}, ${counted(spec.maxEntries, 'entry')}${flags}`;
}

/**
 * What to do about a map that was refused, as far as it does not follow from the rules of its type: rights,
 * what exists already, memory, and releases of Linux that lack one of its flags.
 */
export function mapCreateHint({ flags = 0 }: Pick<MapSpec, 'flags'>, errno: number): string | undefined {
  if (errno === EPERM) return 'CAP_BPF is needed, and before Linux 5.11 enough "ulimit -l"';
  if (errno === EEXIST) return 'a struct_ops map of this type exists already';
  if (errno === ENOMEM) return 'the kernel has no memory for maps of this size';
  if (errno !== EINVAL || flags === 0) return undefined;
  return `the kernel may be too old: ${mapFlagNeeds(flags).join(', ')}`;
}

function createHint(spec: MapSpec, errno: number): string | undefined {
  const [first] = mapRefusals(shapeOf(spec), mapMachine());
  return first === undefined ? mapCreateHint(spec, errno) : `it ${first.message}: ${first.remedy}`;
}

function shapeOf(spec: MapSpec): MapShape {
  const { flags = 0, mapExtra = 0n, numaNode = 0, keyTypeId = 0, valueTypeId = 0 } = spec;
  const inner = spec.innerMapFd === undefined ? null : SOME_MAP;
  return { ...spec, flags, mapExtra, numaNode, keyType: keyTypeId, valueType: valueTypeId, inner };
}

/** For an inner map of which only the descriptor is known: it was created. */
const SOME_MAP = plainDefinition({
  name: '',
  type: BPF_MAP_TYPE_ARRAY,
  keySize: 4,
  valueSize: 4,
  maxEntries: 1,
});
