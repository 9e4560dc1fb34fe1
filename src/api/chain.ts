/**
 * Entry point `rootlet/chain`: many programs on one hook of an interface, changed in one atomic switch. For Linux.
 *
 * @module rootlet/chain
 */

export {
  type ChainBackEnd,
  type ChainChange,
  type ChainContext,
  type ChainEdit,
  type ChainHook,
  type ChainKind,
  type ChainOptions,
  type ChainState,
  changeChain,
  findChainHook,
  listChains,
  type MemberRequest,
  type MemberState,
  type ProgramFacts,
  readChain,
} from '../chain/index.ts';
