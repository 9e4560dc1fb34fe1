export * from './opcodes.ts';
