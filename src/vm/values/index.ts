/** Values and maps of the machine as text. */

export {
  type FormatContext,
  formatMapContents,
  type MapContents,
  mapContentsJson,
  mapTypesJson,
} from './map-format.ts';
