/** The running kernel as `Sys` (the only users of koffi). */

export { openSys } from './koffi.ts';
export { liftMemlock } from './memlock.ts';
