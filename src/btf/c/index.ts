/** Types and declarations as C. */

export { formatDeclaration, formatDefinition, formatFunc, formatType, formatVar } from './format.ts';
export { formatBtfAsC } from './format-c.ts';
