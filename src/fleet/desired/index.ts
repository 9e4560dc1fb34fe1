/** What hosts are meant to run: documents, revisions, the target. */
export {
  type CurrentTarget,
  conflict,
  type FleetContext,
  listRevisions,
  putDocuments,
  putRevision,
  readCurrent,
  readNewest,
  requireRevision,
  rollBack,
} from './desired.ts';
export { type DifferentLine, differentLines, hunks } from './difference.ts';
export { documentsFor, type HostDocuments, NOTHING, noMatch } from './documents.ts';
export { drainHost } from './drain.ts';
export { FleetKeys, isKeyWord, requireWord } from './keys.ts';
export { type Revision, readDrained, readRecord, readRevision, readTarget, type Target } from './revision.ts';
export { type Labels, parseLabels, placeOf } from './selector.ts';
