/**
 * Entry point `rootlet/btf`: BTF, the types of BPF objects and kernels: read, build, write, print as C. Works
 * in a browser.
 *
 * @module rootlet/btf
 */

export {
  type Btf,
  BtfBuilder,
  type BtfId,
  type BtfInput,
  type BtfLinkage,
  type BtfType,
  encodeBtf,
  formatBtfAsC,
  formatDeclaration,
  formatDefinition,
  formatFunc,
  formatType,
  parseBtf,
  sizeOfType,
  skipModifiers,
} from '../btf/index.ts';
