export { type Block, type BlockIndex, Graph, type Terminator } from './graph.ts';
export {
  FIRST_VIRTUAL,
  FRAME_POINTER,
  type Ins,
  isCall,
  isCopy,
  move,
  OP_FRAME_ADDRESS,
  OP_MOVE_NUMBER,
  type Register,
  writtenRegister,
} from './ins.ts';
