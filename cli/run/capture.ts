/** Packets from captures, for commands that run programs on them. */

import { formatProblem } from '../../src/diag/index.ts';
import { CaptureDecoder, type Timestamp } from '../../src/vm/index.ts';
import { readChunks, sizeOfFile } from '../io/files.ts';
import { startProgress } from '../io/progress.ts';

export interface Packet {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly timestamp?: Timestamp | undefined;
}

/** Where packets come from. */
export interface Source {
  packets(): Iterable<Packet>;
  /** Whether its times are finer than microseconds. */
  nanoseconds(): boolean;
  /** What is wrong with the end of the source, once it has been read. */
  warning(): string | null;
}

/** Packets of a capture (`-`: stdin), read as they are asked for. `isSilent`: without progress on a terminal. */
export function captureSource(path: string, isSilent = true): Source {
  const name = path === '-' ? '<stdin>' : path;
  const decoder = new CaptureDecoder(name);
  let warning: string | null = null;
  return {
    *packets() {
      const progress = startProgress({ name, total: sizeOfFile(path), isSilent });
      let done = 0;
      try {
        for (const chunk of readChunks(path)) {
          decoder.push(chunk);
          for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
            const { bytes, offset, length, number, timestamp } = packet;
            yield { number, bytes: bytes.subarray(offset, offset + length), timestamp };
          }
          done += chunk.length;
          progress.at(done);
        }
      } finally {
        progress.end();
      }
      const problem = decoder.end();
      if (problem !== undefined) warning = formatProblem(problem);
    },
    nanoseconds: () => decoder.nanoseconds,
    warning: () => warning,
  };
}
