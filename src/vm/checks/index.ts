export { check, packets } from './checks.ts';
export { createTestMachine, MACHINE_WATCHER } from './watched-machine.ts';
