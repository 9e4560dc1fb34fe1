/** Values and maps of the machine as text. */

export {
  elementJson,
  elementLines,
  type FormatContext,
  formatMapContents,
  keyJson,
  type MapContents,
  mapContentsJson,
  mapTitle,
  mapTypesJson,
} from './map-format.ts';
