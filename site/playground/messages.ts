/** What the page and its worker send each other: plain data. */

/** An object file, by the name that messages use. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A program of a file. */
export interface Choice {
  readonly file: string;
  readonly program: string;
}

export type LinkRequest =
  | { readonly kind: 'link'; readonly files: readonly string[] }
  | {
      readonly kind: 'relink';
      readonly rootlet: string;
      readonly slots: readonly (Choice & { slot: string })[];
    }
  | { readonly kind: 'chain'; readonly members: readonly Choice[] };

/** A problem as the command prints it. */
export interface ProblemView {
  readonly code: string;
  readonly text: string;
}

/** What a file has that can be chosen; nothing where it is refused. */
export interface FileView {
  readonly name: string;
  readonly size: number;
  readonly programs: readonly { readonly name: string; readonly section: string }[];
  readonly slots: readonly string[];
  readonly externs: readonly string[];
  readonly problems: readonly ProblemView[];
}

export interface SymbolView {
  readonly name: string;
  readonly kind: string;
  readonly declaration: string;
  readonly binding: string;
  readonly section: string;
  readonly size: number;
  /** Input that it came from. */
  readonly from: string;
}

export interface DiscardedView {
  readonly name: string;
  readonly kind: string;
  readonly size: number;
  readonly from: string;
  readonly why: string;
}

/** How much of a section came from which input. */
export interface SectionView {
  readonly name: string;
  readonly size: number;
  readonly parts: readonly { readonly from: string; readonly size: number }[];
}

export interface LimitView {
  readonly program: string;
  /** Name of the limit, what is used of it (null: without bound), and what the kernel allows. */
  readonly rows: readonly (readonly [name: string, used: number | null, allowed: number])[];
}

/** Functions and what they refer to, for a drawing. */
export interface GraphView {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly kind: 'call' | 'use' }[];
}

export interface GraphNode {
  readonly name: string;
  readonly kind: 'program' | 'function' | 'map' | 'data' | 'extern';
  /** Input that it came from. */
  readonly from: string;
  /** Of functions: instructions, and bytes of stack. */
  readonly detail: string;
}

/** A function as text; lines of the C source are between its instructions. */
export interface CodeView {
  readonly name: string;
  readonly from: string;
  readonly lines: readonly { readonly kind: 'head' | 'source' | 'insn'; readonly text: string }[];
}

/** A link that succeeded. */
export interface LinkView {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly string[];
  readonly sections: readonly SectionView[];
  readonly symbols: readonly SymbolView[];
  readonly discarded: readonly DiscardedView[];
  readonly renames: readonly string[];
  readonly limits: readonly LimitView[];
  readonly notes: readonly string[];
  readonly license: string | null;
  readonly types: { readonly before: number; readonly after: number };
  readonly graph: GraphView;
  readonly code: readonly CodeView[];
  /** Programs that the machine can be asked for. */
  readonly programs: readonly string[];
}

export type LinkAnswer =
  | { readonly ok: true; readonly view: LinkView }
  | { readonly ok: false; readonly problems: readonly ProblemView[] };

export type PacketSource =
  | { readonly kind: 'hex'; readonly text: string }
  | { readonly kind: 'capture'; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> };

export interface PacketView {
  readonly number: number;
  readonly text: string;
  readonly length: number;
  readonly verdict: string;
  /** The component that ran last, whose verdict it is; null where the program has none, or none ran. */
  readonly decidedBy: string | null;
  /** Whether the network stack goes on with the packet. */
  readonly isDelivered: boolean;
}

export interface RunView {
  readonly program: string;
  readonly total: number;
  /** The first ones; `counts` are of all. */
  readonly packets: readonly PacketView[];
  readonly counts: readonly (readonly [verdict: string, decidedBy: string | null, packets: number])[];
  readonly trace: readonly string[];
  readonly maps: readonly string[];
  /** A problem that ended the run, or that the capture ends with. */
  readonly problems: readonly ProblemView[];
}

export interface RunRequest {
  readonly link: LinkRequest;
  readonly program: string | null;
  readonly packets: PacketSource;
}

/** Names of the jobs, what they take and what they return. */
export interface Jobs {
  survey: { take: readonly GivenFile[]; give: readonly FileView[] };
  link: { take: LinkRequest; give: LinkAnswer };
  run: { take: RunRequest; give: RunView };
}

export type JobName = keyof Jobs;

export interface Order<Name extends JobName = JobName> {
  readonly id: number;
  readonly job: Name;
  readonly take: Jobs[Name]['take'];
}

export type Answer =
  | { readonly id: number; readonly ok: true; readonly give: unknown }
  | { readonly id: number; readonly ok: false; readonly problems: readonly ProblemView[] };
