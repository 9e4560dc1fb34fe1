/** Trees as lines of text. */

import { joinLines, type Lines, oneLine } from '../../src/diag/index.ts';

export interface TreeNode {
  readonly text: string;
  readonly children: readonly TreeNode[];
}

/** Each root at the left margin, what belongs to it below. */
export function formatTree(roots: readonly TreeNode[]): Lines {
  return joinLines(roots.flatMap(({ text, children }) => [oneLine(text), ...branches(children, '')]));
}

function branches(children: readonly TreeNode[], indent: string): string[] {
  return children.flatMap(({ text, children: below }, at) => {
    const isLast = at === children.length - 1;
    const [branch, trunk] = isLast ? ['└─ ', '   '] : ['├─ ', '│  '];
    return [`${indent}${branch}${oneLine(text)}`, ...branches(below, `${indent}${trunk}`)];
  });
}
