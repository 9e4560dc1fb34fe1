/** What fails after the point of no return: the error says that the change has happened. */

import { RootletError } from '../../diag/index.ts';

/** Runs the rest of a change that has happened already. Throws `replace-incomplete`, of class `partial`. */
export function afterSwitch<T>(place: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const [problem] = error.problems;
    const errno = problem?.errno === undefined ? {} : { errno: problem.errno };
    throw new RootletError(
      [
        {
          code: 'replace-incomplete',
          class: 'partial',
          where: [place],
          message: `runs the new version, but the change is not complete: ${problem?.message ?? ''}`,
          ...errno,
          hint: 'the next command completes it: "rootlet ps" shows the entry',
        },
      ],
      { cause: error },
    );
  }
}
