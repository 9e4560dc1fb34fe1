/** Maps and variables of entries by name and type. */

export { isConstant } from './access.ts';
export { deleteElement, type ElementChange, getElement, type PutMode, putElement } from './edit.ts';
export { openEvents, recordJson, recordType } from './events.ts';
export {
  find,
  itemNames,
  type NamedItem,
  pathText,
  requireMap,
  type Step,
  withNamed,
  withNamedMap,
  withViews,
} from './find.ts';
export { type Printer, printersOf, printersOfLine } from './printk.ts';
export {
  contentsOf,
  countElements,
  elementsOf,
  formatContext,
  partOf,
  sectionBytes,
  variableValue,
} from './read.ts';
export { type SetOutcome, settingName, setVariables } from './set.ts';
export { type EntryMap, type EntryVariable, EntryView } from './view.ts';
