export { withRegisters } from './rename.ts';
