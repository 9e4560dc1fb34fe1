export { type BoundedOptions, boundedPicture } from './bounded.ts';
export {
  type EdgeKind,
  edge,
  type NodeKind,
  node,
  type Picture,
  type PictureEdge,
  type PictureNode,
} from './model.ts';
