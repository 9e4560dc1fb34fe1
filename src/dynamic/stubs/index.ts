/** Stubs: functions that stand in for externs of loaded objects. */

export { ObjectEdit } from './object-edit.ts';
export { extStubNames, neverCalled, putExtStub, putTailStub } from './stubs.ts';
export { taggedDefault } from './verdicts.ts';
