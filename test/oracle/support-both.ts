/** One link done by both linkers, and both results dumped in both ways. */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type LinkResult, link } from '../../src/link/link.ts';
import type { LinkReport } from '../../src/link/report/report.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import type { ObjectDump } from './support-dump.ts';
import { dumpObject } from './support-dump-object.ts';
import { dumpWithTools } from './support-dump-tools.ts';
import { type PeerResult, peerLink } from './support-peer.ts';

/** Files to link, in this order. */
export interface LinkJob {
  readonly name: string;
  readonly inputs: readonly string[];
}

export interface BothLinks {
  readonly job: LinkJob;
  readonly peer: PeerResult;
  readonly ours: LinkResult;
  /** Names stay undefined, so rootlet's is a partial link; bpftool makes no difference. */
  readonly partial: boolean;
  /** Files with the results; written where the link succeeded. */
  readonly files: { readonly peer: string; readonly ours: string };
}

/** Links with bpftool and with rootlet; results go into `directory`. */
export function linkBoth(directory: string, job: LinkJob): BothLinks {
  const stem = path.join(directory, job.name.replaceAll(/[^\w.+-]/g, '_'));
  const files = { peer: `${stem}.peer.o`, ours: `${stem}.ours.o` };
  const peer = peerLink(files.peer, job.inputs);
  const inputs = job.inputs.map(file => ({ name: path.basename(file), bytes: readFileSync(file) }));
  const final = link(inputs);
  const partial = !final.ok && final.problems.every(problem => problem.code === 'link-undefined');
  const ours = partial ? link(inputs, { partial }) : final;
  if (ours.ok) writeFileSync(files.ours, writeObject(ours.object));
  return { job, peer, ours, partial, files };
}

export interface DumpedLink {
  readonly job: LinkJob;
  readonly partial: boolean;
  readonly files: BothLinks['files'];
  readonly inputs: readonly BpfObject[];
  readonly report: LinkReport;
  readonly peer: BpfObject;
  readonly ours: BpfObject;
  /** By our reader. */
  readonly byUs: { readonly peer: ObjectDump; readonly ours: ObjectDump };
  /** By Debian's tools; our names as they are, not as they were. */
  readonly byTools: { readonly peer: ObjectDump; readonly ours: ObjectDump };
}

/** Dumps the links that both linkers made. */
export function dumpBoth(links: readonly BothLinks[]): DumpedLink[] {
  const files = links.flatMap(({ files }) => [files.peer, files.ours]);
  const renames = links.map(renamesOf);
  const byTools =
    files.length === 0
      ? []
      : dumpWithTools(
          files,
          renames.flatMap(map => [new Map(), map]),
        );
  return links.map(({ job, ours, partial, files }, index) => {
    if (!ours.ok) throw new Error(`${job.name} was not linked`);
    const [peer, own] = [files.peer, files.ours].map(readFile);
    const [peerByTools, ownByTools] = byTools.slice(2 * index);
    if (peer === undefined || own === undefined || peerByTools === undefined || ownByTools === undefined)
      throw new Error(`${job.name} was not dumped`);
    return {
      job,
      partial,
      files,
      inputs: job.inputs.map(readFile),
      report: ours.report,
      peer,
      ours: own,
      byUs: { peer: dumpObject(peer), ours: dumpObject(own, { renamed: renames[index] ?? new Map() }) },
      byTools: { peer: peerByTools, ours: ownByTools },
    };
  });
}

export function readFile(file: string): BpfObject {
  return readObject({ name: path.basename(file), bytes: readFileSync(file) });
}

/** New name → old name. */
function renamesOf({ ours }: BothLinks): ReadonlyMap<string, string> {
  return new Map(ours.ok ? ours.report.renames.map(({ from, to }) => [to, from]) : []);
}
