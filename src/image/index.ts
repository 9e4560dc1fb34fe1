/** The memory of linking: inputs and columns. */

export { ATOM_BINDING, ATOM_KIND, REFERENCE_KIND, SHELL_ROLE } from './codes.ts';
export { columnOf } from './columns.ts';
export { Image } from './image.ts';
export { CROWD, drawKey, hashOfSum, withBytes, withNumber } from './keyed-hash.ts';
export {
  ATOM,
  CORE_INFO,
  FAULT,
  FUNCTION_INFO,
  GROUP,
  HEADER,
  LINE_INFO,
  NAME,
  OUTPUT,
  OUTPUT_SECTION,
  RECORD,
  REFERENCE,
  SECTION,
  SHELL,
  SYMBOL,
  TYPE,
  UNIT,
} from './layout.ts';
