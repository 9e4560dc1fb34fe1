/**
 * The parts that need no kernel, in one place: objects, linking, the embedded machine. Folders are entry points of
 * their own (`rootlet/link`, `rootlet/vm`, …); `rootlet/kernel`, `rootlet/load` and `rootlet/hooks` are only there, since they need Node.
 */

export * from './diag/index.ts';
export * from './link/index.ts';
export * from './object/index.ts';
export * from './vm/index.ts';
