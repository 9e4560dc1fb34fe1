/** Values and maps of the machine as text. */

export {
  describeMaps,
  type FormatContext,
  formatMapContents,
  type MapContents,
  type MapDescription,
  mapContentsJson,
} from './map-format.ts';
