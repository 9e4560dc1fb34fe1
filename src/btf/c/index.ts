/** Types and declarations as C. */

export { isEllipsis } from './declare.ts';
export {
  formatDeclaration,
  formatDefinition,
  formatFunc,
  formatType,
  formatVar,
  linkedText,
} from './format.ts';
export { formatBtfAsC } from './format-c.ts';
