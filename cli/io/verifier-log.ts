/** `--verifier-log FILE`: the verifier's log of every program, accepted or not. */

import { encodeText } from '../../src/bytes/index.ts';
import { type ExecuteOptions, type LoadedObject, verifierFailureOf } from '../../src/load/index.ts';
import { writeOutput } from './files.ts';

type Logging = Pick<ExecuteOptions, 'logLevel' | 'keepLog'>;

/** Loads with `load`, and writes the log of all programs, or of the one that was refused, to `path`. */
export function withVerifierLog(
  path: string | undefined,
  load: (logging: Logging) => LoadedObject,
): LoadedObject {
  if (path === undefined) return load({});
  try {
    const loaded = load({ logLevel: 2, keepLog: true });
    const logs = [...loaded.programs.values()].map(program => `program ${program.name}:\n${program.log}`);
    try {
      writeOutput(path, encodeText(logs.join('\n')), true);
    } catch (error) {
      loaded.close();
      throw error;
    }
    return loaded;
  } catch (error) {
    const failure = verifierFailureOf(error);
    if (failure !== undefined) {
      const text = `program ${failure.program}:\n${failure.log.join('\n')}\n`;
      writeOutput(path, encodeText(text), true);
    }
    throw error;
  }
}
