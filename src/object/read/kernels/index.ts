export { READER } from './reader.ts';
