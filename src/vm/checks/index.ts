export { check, packets } from './checks.ts';
