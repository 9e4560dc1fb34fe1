export { type Block, type BlockIndex, Graph, retargeted, type Terminator, targetsOf } from './graph.ts';
export {
  FIRST_VIRTUAL,
  FRAME_POINTER,
  type Ins,
  isCall,
  isCopy,
  isTwoAddress,
  move,
  OP_FRAME_ADDRESS,
  OP_MOVE_NUMBER,
  type Register,
  readsDst,
  readsSrc,
  writtenRegister,
} from './ins.ts';
