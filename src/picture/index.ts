export { boundedPicture } from './bounded.ts';
export { dotOf } from './dot.ts';
export {
  type EdgeKind,
  edge,
  type NodeKind,
  node,
  type Picture,
  type PictureEdge,
  type PictureNode,
} from './model.ts';
export { svgOf } from './svg.ts';
