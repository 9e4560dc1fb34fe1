/** Programs of an object run by the kernel on packets: load once, `BPF_PROG_TEST_RUN` for each packet. */

import { encodeText } from '../src/bytes/index.ts';
import { openSys } from '../src/kernel/sys-koffi.ts';
import { executeLoad, type LoadedObject, planLoad, verifierFailureOf } from '../src/load/index.ts';
import type { BpfObject } from '../src/object/index.ts';
import { writeOutput } from './files.ts';

export interface KernelRunOptions {
  /** File for the verifier's whole log, whether it accepts the programs or not. */
  readonly verifierLog?: string;
}

/** Loads the object; a refused program leaves its log in `verifierLog`. The caller closes what is returned. */
export function loadForRuns(object: BpfObject, options: KernelRunOptions = {}): LoadedObject {
  const wantLog = options.verifierLog !== undefined;
  const plan = planLoad(object);
  const sys = openSys();
  try {
    return executeLoad(plan, sys, wantLog ? { logLevel: 2 } : {});
  } catch (error) {
    const failure = verifierFailureOf(error);
    if (wantLog && failure !== undefined)
      writeOutput(options.verifierLog ?? '', encodeText(`${failure.log.join('\n')}\n`));
    throw error;
  }
}
