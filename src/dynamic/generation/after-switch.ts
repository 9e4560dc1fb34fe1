/** What fails after the point of no return: the error says that the change has happened. */

import { problem, RootletError } from '../../diag/index.ts';

/** Runs the rest of a change that has happened already. Throws `replace-incomplete`, of class `partial`. */
export function afterSwitch<T>(place: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    const [cause] = error.problems;
    const errno = cause?.errno === undefined ? {} : { errno: cause.errno };
    throw new RootletError(
      [
        problem(
          'replace-incomplete',
          [place],
          `runs the new version, but the change is not complete: ${cause?.message ?? ''}`,
          { ...errno, hint: 'the next command completes it: "rootlet ps" shows the entry' },
        ),
      ],
      { cause: error },
    );
  }
}
