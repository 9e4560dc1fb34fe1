export { hasDst, withRegisters } from './rename.ts';
