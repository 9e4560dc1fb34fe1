export { colour } from './colour.ts';
export { withRegisters } from './rename.ts';
export { splitWebs } from './webs.ts';
