export { colour } from './colour.ts';
export { hasDst, withRegisters } from './rename.ts';
export { splitWebs } from './webs.ts';
