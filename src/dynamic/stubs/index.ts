/** Stubs: functions that stand in for externs of loaded objects. */

export { ObjectEdit } from './object-edit.ts';
export { extStubNames, putExtStub, putTailStub } from './stubs.ts';
export { neutralVerdict, taggedDefault } from './verdicts.ts';
