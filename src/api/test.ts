/**
 * Entry point `rootlet/test`: tests of BPF code without a kernel: packets, and expectations as functions that throw.
 * Works in any runner of tests, and in a browser.
 *
 * @module rootlet/test
 */

export { readObject } from '../object/index.ts';
export { check, createMachine, type Machine, packets } from '../vm/index.ts';
