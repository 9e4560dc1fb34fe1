export * from './gc.ts';
export * from './inputs.ts';
export * from './inspect.ts';
export * from './license.ts';
export * from './link.ts';
export * from './relink.ts';
export type * from './report.ts';
export * from './resolve.ts';
export * from './slots.ts';
