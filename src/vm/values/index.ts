/** Values and maps of the machine as text. */

export { formatMapContents, type MapContents, mapContentsJson } from './map-format.ts';
