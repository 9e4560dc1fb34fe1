/** Externs of a consumer bound to providers: search, agreement, back end, load. */

export { bindingProblem } from './agreement.ts';
export { type Binding, type BindingSlot, type BoundVia, describeBinding } from './bindings.ts';
export { objectionTo, type Situation, situationOf, VIAS, type Via } from './choose.ts';
export { isStubMap, SELECT_SECTION } from './consumer.ts';
export { DynamicObject, type StubLink } from './dynamic-object.ts';
export { type Effects, effectsOf, packetMarker } from './effects.ts';
export { type DynamicBindRequest, type Found, findDefinitions, plainExterns } from './find.ts';
export { explainBindings, joinInputs, load, loadConsumer } from './load.ts';
export type { DynamicLoadOptions } from './load-options.ts';
export { replacementRefusal } from './replacement-support.ts';
export { NO_SIGNATURE, type Signature, type SignatureClass, signatureOf } from './signature.ts';
export { selectStub, setSelector } from './stub-select.ts';
