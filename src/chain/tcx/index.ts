export { applyTcx } from './apply.ts';
export { hasTcx } from './hook.ts';
export { byKernelRule } from './member-object.ts';
export { readTcx } from './read.ts';
export { readTcxFacts, type TcxFacts } from './record.ts';
