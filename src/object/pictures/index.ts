export { callPicture } from './call-picture.ts';
export { flowPicture } from './flow-picture.ts';
