/** Objects and archives that enter a link. */

export {
  type ArchiveInput,
  type ArchiveOptions,
  archiveNames,
  type InputSlot,
  isArchive,
  type Preparation,
  type PulledInputs,
  type PulledMember,
  pullMembers,
} from './archives.ts';
export {
  byteOrderProblems,
  type InputOptions,
  type LinkInput,
  type ReadInputs,
  readInputs,
} from './inputs.ts';
