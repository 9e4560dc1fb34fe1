/** The state of a machine at work, as its helpers see and change it. */

import { given } from '../../bytes/index.ts';
import { bugError, type CodeOf } from '../../diag/index.ts';
import { SK_BUFF_SIZE, XDP_MD_SIZE } from '../../uapi/index.ts';
import { codeError, type SiteTable } from '../compile/analysis/index.ts';
import {
  CELL,
  type EventRecord,
  type MachineMemory,
  type MachineState,
  type MapStore,
  PacketBuffer,
  type ProgramKind,
  permitSkb,
  permitXdp,
  type Redirect,
  SkbState,
  TextReader,
  XdpContext,
} from '../state/index.ts';
import { isPermitted, type PreparedMachine } from './setup.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Lines of trace and records of events that are kept, the last ones, and bytes of the records. */
const MAX_KEPT = 10_000;
const MAX_KEPT_BYTES = 2 ** 24;

export interface StateOptions {
  readonly seed: number;
  readonly clock: (() => number) | undefined;
}

export class RunningState implements MachineState {
  readonly memory: MachineMemory;
  readonly contextAddress: number;
  readonly descriptors: number;
  readonly keyCell: number;
  readonly maps: readonly MapStore[];
  readonly packet: PacketBuffer;
  readonly skb: SkbState;
  readonly xdp: XdpContext;
  readonly clock: VirtualClock;
  readonly texts: TextReader;
  readonly lines: string[] = [];
  readonly records: EventRecord[] = [];
  /** How many lines and records there were that are not kept. */
  readonly forgotten = { lines: 0, records: 0 };
  kind: ProgramKind;
  redirect: Redirect | undefined;
  /** Runs a function of the table; set when the module has been instantiated. */
  invoke: (frame: number, callee: number) => number = () => 0;
  readonly #objectName: string;
  readonly #sites: SiteTable;
  #random: number;
  #recordBytes = 0;

  constructor({ object, plan, prepared, compiled }: PreparedMachine, options: StateOptions) {
    this.memory = prepared.memory;
    this.maps = prepared.stores;
    this.contextAddress = plan.fixed.context;
    this.descriptors = plan.fixed.descriptors;
    this.keyCell = plan.fixed.keyCell;
    this.packet = new PacketBuffer(this.memory, plan.fixed.packet);
    this.skb = new SkbState(this.memory, this.packet, this.contextAddress);
    this.xdp = new XdpContext(this.memory, this.packet, this.contextAddress);
    this.texts = new TextReader(this.memory);
    this.clock = new VirtualClock(this.memory, options.clock);
    this.kind = plan.programs[0]?.kind ?? 'xdp';
    this.permitContext(this.kind);
    this.#objectName = object.name;
    this.#sites = compiled.sites;
    this.#random = options.seed | 0;
  }

  get clockNs(): number {
    return this.clock.now;
  }

  /** Makes the context that of a program of that kind. */
  permitContext(kind: ProgramKind): void {
    this.kind = kind;
    this.memory.permit(this.contextAddress, SK_BUFF_SIZE, 0);
    this.xdp.reset();
    if (kind === 'xdp') permitXdp(this.memory, this.contextAddress);
    else permitSkb(this.memory, this.contextAddress, kind);
  }

  /** The packet with its link-layer header, which not all kinds of program see. */
  packetBytes(): Uint8Array {
    const { packet } = this;
    const start = this.kind === 'socket' || this.kind === 'cgroup-skb' ? this.skb.macHeader : packet.data;
    return this.memory.bytes.subarray(start, packet.end);
  }

  contextBytes(): Uint8Array {
    const size = this.kind === 'xdp' ? XDP_MD_SIZE : SK_BUFF_SIZE;
    return this.memory.bytes.subarray(this.contextAddress, this.contextAddress + size);
  }

  trace(line: string): void {
    this.forgotten.lines += keep(this.lines, line);
  }

  event(record: EventRecord): void {
    this.#recordBytes += record.data.length;
    if (this.#recordBytes > MAX_KEPT_BYTES) {
      this.forgotten.records += this.records.splice(0, Math.ceil(this.records.length / 2)).length;
      this.#recordBytes = this.records.reduce((sum, { data }) => sum + data.length, record.data.length);
    }
    this.forgotten.records += keep(this.records, record);
  }

  /** xorshift32, which must not be 0. */
  random(): number {
    let x = this.#random === 0 ? 0x9e3779b9 | 0 : this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x;
  }

  syncContext(): void {
    if (this.kind === 'xdp') this.xdp.sync();
    else this.skb.sync();
  }

  callBack(frame: number, callee: number, args: readonly [number, number, number, number, number]): boolean {
    const { view } = this.memory;
    const [first, second, third, contextLow, contextHigh] = args;
    view.setUint32(CELL.invokeArguments, first, true);
    view.setUint32(CELL.invokeArguments + 8, second, true);
    view.setUint32(CELL.invokeArguments + 16, third, true);
    view.setInt32(CELL.invokeArguments + 24, contextLow, true);
    view.setInt32(CELL.invokeArguments + 28, contextHigh, true);
    return this.invoke(frame, callee) !== 0;
  }

  fail(site: number, code: CodeOf<'input'>, message: string, hint?: string): never {
    const found = this.#sites.get(site);
    if (found === undefined) throw bugError([this.#objectName], `there is no site ${site}`);
    const helper = found.kind === 'helper' ? `bpf_${found.helper} ` : '';
    throw codeError(code, this.#objectName, found.unit, found.slot, `${helper}${message}`, given({ hint }));
  }

  allowed(address: number, size: number, permission: number): boolean {
    return isPermitted(this.memory, address, size, permission);
  }
}

/** Appends, and forgets the oldest half when there are too many; returns how many it forgot. */
function keep<T>(list: T[], item: T): number {
  const gone = list.length < MAX_KEPT ? 0 : list.splice(0, MAX_KEPT / 2).length;
  list.push(item);
  return gone;
}
