export type { Hook, Occupant } from './hook.ts';
