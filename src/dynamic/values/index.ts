/** Maps and variables of entries by name and type. */

export { isConstant } from './access.ts';
export { type ElementChange, type PutMode, deleteElement, getElement, putElement } from './edit.ts';
export { openEvents, recordJson, recordType } from './events.ts';
export { type NamedItem, type Step, find, itemNames, pathText, requireMap, withNamed, withNamedMap, withViews } from './find.ts';
export { type Printer, printersOf, printersOfLine } from './printk.ts';
export { contentsOf, countElements, elementsOf, formatContext, partOf, sectionBytes, variableValue } from './read.ts';
export { type SetOutcome, setVariables, settingName } from './set.ts';
export { type EntryMap, type EntryVariable, EntryView } from './view.ts';
