export * from './disasm.ts';
export * from './helpers.ts';
export * from './opcodes.ts';
export * from './stack.ts';
