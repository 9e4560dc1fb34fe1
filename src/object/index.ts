export * from './layout.ts';
export * from './map-definition.ts';
export * from './model.ts';
