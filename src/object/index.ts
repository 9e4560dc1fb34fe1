export * from './data-sections.ts';
export * from './layout.ts';
export * from './map-definition.ts';
export * from './model.ts';
export * from './read.ts';
export * from './section-names.ts';
export * from './strip-data-sections.ts';
export * from './write.ts';
