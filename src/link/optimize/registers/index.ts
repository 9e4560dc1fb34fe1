export { colour } from './colour.ts';
export { hasDst, withRegisters } from './rename.ts';
export { splitWebs, type Webs } from './webs.ts';
