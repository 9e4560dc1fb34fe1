/**
 * A picture as data: nodes, edges and clusters, each of a kind. Who makes one says what there is; shapes, colours and the
 * text of DOT are known here alone. Nothing in a picture depends on the machine, so that equal inputs have equal pictures.
 */

/** What a node stands for. */
export type NodeKind =
  | 'hook'
  | 'chain'
  | 'program'
  | 'function'
  | 'subprogram'
  | 'slot'
  | 'map'
  | 'variable'
  | 'extern'
  | 'target'
  | 'discarded'
  | 'object'
  | 'file'
  | 'block'
  | 'entry'
  | 'exit';

/** What an edge says of its ends. */
export type EdgeKind =
  | 'call'
  | 'callback'
  | 'tail-call'
  | 'use'
  | 'hold'
  | 'replace'
  | 'bind'
  | 'override'
  | 'run'
  | 'jump'
  | 'taken'
  | 'next'
  | 'loop';

export interface PictureNode {
  /** Unique in its picture; does not appear in the output. */
  readonly id: string;
  readonly kind: NodeKind;
  readonly label: string;
  /** Lines below the label. */
  readonly details: readonly string[];
}

export interface PictureEdge {
  /** Ids of nodes. */
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  /** '': none. */
  readonly label: string;
  /** On the path that the picture points out. */
  readonly marked: boolean;
}

/** Nodes with a frame around them. */
export interface PictureCluster {
  readonly label: string;
  readonly details: readonly string[];
  /** Ids; a node is in at most one cluster. */
  readonly nodes: readonly string[];
}

export interface Picture {
  readonly title: string;
  /** Lines below the title. */
  readonly details: readonly string[];
  /** `right`: names from left to right; `down`: code from top to bottom. */
  readonly direction: 'right' | 'down';
  readonly nodes: readonly PictureNode[];
  readonly edges: readonly PictureEdge[];
  readonly clusters: readonly PictureCluster[];
  /** What `marked` edges are; null without any. */
  readonly marked: string | null;
  /** What the picture leaves out, and the option that changes it. */
  readonly notes: readonly string[];
}

/** A node without further lines. */
export function node(
  id: string,
  kind: NodeKind,
  label: string,
  details: readonly string[] = [],
): PictureNode {
  return { id, kind, label, details };
}

/** An edge without a mark. */
export function edge(from: string, to: string, kind: EdgeKind, label = ''): PictureEdge {
  return { from, to, kind, label, marked: false };
}
