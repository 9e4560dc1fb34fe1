/** Values and maps of the machine as text. */

export {
  describeMaps,
  type FormatContext,
  formatMapContents,
  type MapContents,
  type MapDescription,
  mapContentsJson,
} from './map-format.ts';
export {
  type DecodedField,
  type DecodedValue,
  decodeValue,
  type JsonValue,
  valueJson,
  valueText,
} from './value-format.ts';
