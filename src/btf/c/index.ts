/** Types and declarations as C. */

export { isEllipsis } from './declare.ts';
export {
  type AroundName,
  aroundLinked,
  formatDeclaration,
  formatDefinition,
  formatFunc,
  formatType,
  formatVar,
} from './format.ts';
export { formatBtfAsC } from './format-c.ts';
