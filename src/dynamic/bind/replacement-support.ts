/** Whether functions can be replaced (freplace) in this kernel, for linking and re-linking. */

import { probeReplacement, type Sys } from '../../kernel/index.ts';

/**
 * Why functions cannot be replaced here, undefined when they can. The kernel is probed once, when a rule
 * needs it.
 */
export function replacementRefusal(sys: Sys): () => string | undefined {
  let answer: string | null | undefined;
  return () => {
    if (answer === undefined) answer = askKernel(sys);
    return answer ?? undefined;
  };
}

function askKernel(sys: Sys): string | null {
  const probed = probeReplacement(sys);
  switch (probed.state) {
    case 'yes':
      return null;
    case 'no':
      return 'this kernel does not support replacing functions (freplace)';
    case 'unknown':
      return `this kernel refuses to replace functions (freplace): ${probed.reason}`;
  }
}
