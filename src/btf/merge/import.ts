/** Types of sections in columns, and back. */

export { btfOf as exportTypes, importTypes } from '../model/index.ts';
