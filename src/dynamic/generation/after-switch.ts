/** Failures after the point of no return: the error reports that the change has happened. */

import { afterChange } from '../../diag/index.ts';

/** Runs the rest of a change that has happened already. Throws `replace-incomplete`, of class `partial`. */
export function afterSwitch<T>(place: string, body: () => T): T {
  return afterChange(
    {
      code: 'replace-incomplete',
      where: [place],
      message: 'runs the new version, but the change is not complete',
      hint: 'the next change of it completes it, and so does "rootlet doctor --fix"',
    },
    body,
  );
}
