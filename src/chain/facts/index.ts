export { isHidden, openProgramById, programFacts } from './programs.ts';
export { isFailedCall, requireReadEntries } from './unread.ts';
