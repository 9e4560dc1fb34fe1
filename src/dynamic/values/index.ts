/** Maps and variables of entries by name and type. */

export { isConstant } from './access.ts';
export { itemNames, type NamedItem, pathText, type Step, withNamed } from './find.ts';
export { contentsOf, countElements, formatContext, partOf, sectionBytes, variableValue } from './read.ts';
export { type EntryMap, type EntryVariable, EntryView } from './view.ts';
