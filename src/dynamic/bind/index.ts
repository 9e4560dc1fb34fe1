/** Externs of a consumer bound to providers: search, agreement, back end, load. */

export { bindingProblem } from './agreement.ts';
export { type Binding, type BindingBackEnd, describeBinding } from './bindings.ts';
export { BINDING_BACK_ENDS, objectionTo, type Situation, situationOf } from './choose.ts';
export { isStubMap, SELECT_SECTION } from './consumer.ts';
export { DynamicObject } from './dynamic-object.ts';
export { effectsOf, packetMarker, sleepObjection } from './effects.ts';
export { type DynamicBindRequest, findDefinitions, plainExterns } from './find.ts';
export type { Found } from './found.ts';
export { explainBindings, load, loadConsumer } from './load.ts';
export type { DynamicLoadOptions } from './load-options.ts';
export { replacementRefusal } from './replacement-support.ts';
export { replacementObjection, signatureIn, signatureOf } from './signature.ts';
export { selectStub, setSelector } from './stub-select.ts';
