export { type Archive, type ArchiveMember, parseArchive } from './archive.ts';
export * from './constants.ts';
export * from './identify.ts';
export * from './model.ts';
export * from './parse.ts';
export { relocationWidth } from './relocations.ts';
export * from './write.ts';
