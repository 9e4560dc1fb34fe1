export { declareObject } from './declare-object.ts';
