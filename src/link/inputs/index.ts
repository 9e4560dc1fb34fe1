/** Objects and archives that enter a link. */

export {
  type ArchiveInput,
  type ArchiveOptions,
  archiveNames,
  isArchive,
  type Preparation,
  type PulledMember,
  pullMembers,
} from './archives.ts';
export {
  byteOrderProblems,
  type LinkInput,
  type ReadInputs,
  readInputs,
  requireInput,
  requireInputs,
} from './inputs.ts';
