export { type Block, type BlockIndex, Graph, retargeted, type Terminator, targetsOf } from './graph.ts';
export {
  FRAME_POINTER,
  type Ins,
  isCall,
  isCopy,
  move,
  OP_FRAME_ADDRESS,
  OP_MOVE_NUMBER,
  type Register,
} from './ins.ts';
