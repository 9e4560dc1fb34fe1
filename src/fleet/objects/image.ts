/**
 * Objects as OCI images, as data: what is pushed, and what is read of a manifest. An image of rootlet is one that bpfman
 * loads: one layer `tar+gzip` with one object, and labels `io.ebpf.programs` and `io.ebpf.maps`. Also read: one layer
 * `tar`, images of Docker, and the raw object of a gadget. See docs/fleet.md.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { given } from '../../bytes/index.ts';
import { inputError, type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import { type InputObject, parseMapDefinition, programsOf, sectionNameOf } from '../../object/index.ts';
import { mapTypeName } from '../../uapi/index.ts';
import {
  integer,
  type JsonShape,
  list,
  Misfit,
  object,
  optional,
  otherwise,
  parseJson,
  table,
  text,
} from '../io/index.ts';
import { digestOf } from './digest.ts';
import { DIGEST } from './reference.ts';
import { readTar, writeTar } from './tar.ts';

/** Most bytes of an object; bpfman has the same limit. */
export const MOST_OBJECT = 16 << 20;
/** Most bytes of a manifest, a configuration and a signature. */
export const MOST_MANIFEST = 1 << 20;

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const CONFIG = 'application/vnd.oci.image.config.v1+json';
export const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** How the bytes of a layer are an object. */
const LAYERS: Readonly<Record<string, 'gzip' | 'tar' | 'raw'>> = {
  [LAYER]: 'gzip',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gzip',
  'application/vnd.oci.image.layer.v1.tar': 'tar',
  'application/vnd.gadget.ebpf.program.v1+binary': 'raw',
};
export const ACCEPTED = [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX].join(', ');

export const PROGRAMS_LABEL = 'io.ebpf.programs';
export const MAPS_LABEL = 'io.ebpf.maps';
const TITLE = 'org.opencontainers.image.title';
const CREATED = 'org.opencontainers.image.created';
/** Digest of the object file, without archive and compression. */
const OBJECT = 'dev.rootlet.object';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: ReadonlyMap<string, string> | undefined;
}

/** Bytes with the descriptor that names them. */
export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** What `push` sends: blobs first, then the manifest. */
export interface Image {
  readonly manifest: Blob;
  readonly blobs: readonly Blob[];
  readonly programs: Readonly<Record<string, string>>;
  readonly maps: Readonly<Record<string, string>>;
}

export function blob(mediaType: string, bytes: Uint8Array | string): Blob {
  const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  return { mediaType, digest: digestOf(data), bytes: data };
}

export function describe({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

// --- written ------------------------------------------------------------------------------------------------------

/**
 * The image of an object: the same for the same object, name and time. `created` in seconds since 1970; without it the
 * image has no time. Throws what is wrong with the object, and `oci-size`.
 */
export function imageOf(input: InputObject, created?: number): Image {
  const { name, bytes, object: parsed } = input;
  if (bytes.length > MOST_OBJECT) throw tooLarge([name], bytes.length);
  const programs = Object.fromEntries(
    programsOf(parsed).map(({ program }) => [program.name, programWord(sectionNameOf(parsed, program))]),
  );
  const maps = Object.fromEntries(
    parsed.symbols.flatMap(symbol =>
      symbol.kind === 'map'
        ? [[symbol.name, mapTypeName(parseMapDefinition(parsed, symbol).type).toLowerCase()]]
        : [],
    ),
  );
  const title = fileTitle(name);
  const archive = writeTar(title, bytes);
  const layer = blob(LAYER, gzipSync(archive, { level: 9 }));
  const time = created === undefined ? undefined : new Date(created * 1000).toISOString();
  const config = blob(
    CONFIG,
    JSON.stringify({
      ...given({ created: time }),
      architecture: parsed.byteOrder === 'little' ? 'amd64' : 's390x',
      os: 'linux',
      config: { Labels: { [PROGRAMS_LABEL]: JSON.stringify(programs), [MAPS_LABEL]: JSON.stringify(maps) } },
      rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
    }),
  );
  const annotations = { [TITLE]: title, [OBJECT]: digestOf(bytes), ...given({ [CREATED]: time }) };
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: describe(config),
    layers: [describe(layer)],
    annotations,
  };
  return { manifest: blob(MANIFEST, JSON.stringify(manifest)), blobs: [config, layer], programs, maps };
}

/** `xdp` of `?xdp/name`: the word that bpfman has for a type of programs. */
function programWord(section: string): string {
  return section.replace(/^\?/, '').replace(/[./].*/, '');
}

/** The last part of a path, as a name that every archive can have. */
function fileTitle(path: string): string {
  return (
    path
      .replace(/^.*\//s, '')
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .slice(-100) || 'object.o'
  );
}

// --- read ---------------------------------------------------------------------------------------------------------

const DESCRIPTOR = object({
  mediaType: text(255),
  digest: text(80, DIGEST),
  size: integer(0, MOST_OBJECT * 2),
  annotations: optional(table(text(64 << 10), 64)),
});

const MANIFEST_SHAPE = object({
  mediaType: optional(text(255)),
  config: DESCRIPTOR,
  layers: list(DESCRIPTOR, 64),
  annotations: otherwise(table(text(64 << 10), 256), new Map<string, string>()),
});

const INDEX_SHAPE = object({
  manifests: list(
    object({
      mediaType: text(255),
      digest: text(80, DIGEST),
      size: integer(0, MOST_MANIFEST),
      platform: optional(object({ architecture: text(64), os: text(64) })),
    }),
    256,
  ),
});

export type ImageManifest = ReturnType<typeof MANIFEST_SHAPE>;

/** A manifest, or for an index the digest of the manifest for this machine. Throws `oci-manifest`. */
export function readManifest(
  where: readonly string[],
  bytes: Uint8Array,
  architecture: string,
): { readonly manifest: ImageManifest } | { readonly other: string } {
  const content = Buffer.from(bytes).toString('utf8');
  const kind = checked(where, content, object({ manifests: optional(list(value => value, 256)) }));
  if (kind.manifests === undefined) return { manifest: checked(where, content, MANIFEST_SHAPE) };
  const { manifests } = checked(where, content, INDEX_SHAPE);
  const own = manifests.find(
    ({ platform }) => platform?.architecture === architecture && platform.os === 'linux',
  );
  if (own !== undefined) return { other: own.digest };
  const there = manifests.map(({ platform }) => (platform === undefined ? '?' : platform.architecture));
  throw refused(where, `has no image for linux/${architecture}, only for ${there.map(quote).join(', ')}`);
}

/** Names of processors in images. */
export function architectureOf(nodeArch: string): string {
  return { x64: 'amd64', ia32: '386', riscv64: 'riscv64', arm: 'arm' }[nodeArch] ?? nodeArch;
}

/** The one layer with an object. Throws `oci-manifest`, `oci-size`. */
export function objectLayer(where: readonly string[], { layers }: ImageManifest): Descriptor {
  const known = layers.filter(({ mediaType }) => Object.hasOwn(LAYERS, mediaType));
  const [layer, other] = known;
  if (layer === undefined || other !== undefined)
    throw refused(where, `has ${known.length} layers with an object, not one: is it the image of an object?`);
  if (layer.size > MOST_OBJECT) throw tooLarge(where, layer.size);
  return layer;
}

/** The object file in a layer. Throws `oci-layer`, `oci-size`. */
export function objectIn(where: readonly string[], mediaType: string, bytes: Uint8Array): Uint8Array {
  const kind = LAYERS[mediaType];
  const file = kind === 'raw' ? bytes : readTar(where, kind === 'gzip' ? unzip(where, bytes) : bytes).bytes;
  if (file.length > MOST_OBJECT) throw tooLarge(where, file.length);
  return file;
}

function unzip(where: readonly string[], bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_OBJECT + (64 << 10) });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(where, MOST_OBJECT + 1);
    throw inputError('oci-layer', where, 'is not compressed as its media type says');
  }
}

const LABELS = object({
  config: otherwise(object({ Labels: otherwise(table(text(64 << 10), 256), new Map<string, string>()) }), {
    Labels: new Map<string, string>(),
  }),
});

/** What the labels of an image say of its programs and maps; empty without labels. Throws `oci-manifest`. */
export function labelsIn(where: readonly string[], config: Uint8Array) {
  const { config: inner } = checked(where, Buffer.from(config).toString('utf8'), LABELS);
  const read = (label: string): ReadonlyMap<string, string> => {
    const value = inner.Labels.get(label);
    return value === undefined ? new Map() : checked([...where, label], value, table(text(128), 4096));
  };
  return { programs: read(PROGRAMS_LABEL), maps: read(MAPS_LABEL) };
}

/** JSON of an image by its shape. Throws `oci-manifest`. */
export function checked<T>(where: readonly string[], content: string, shape: JsonShape<T>): T {
  try {
    return parseJson(content, shape);
  } catch (error) {
    if (error instanceof Misfit) throw refused(where, error.message);
    throw error;
  }
}

function refused(where: readonly string[], message: string): RootletError {
  return inputError('oci-manifest', where, message, {
    hint: '"rootlet push" makes images that are read here; docs/fleet.md has the media types',
  });
}

function tooLarge(where: readonly string[], size: number): RootletError {
  return new RootletError([sizeProblem(where, size)]);
}

function sizeProblem(where: readonly string[], size: number): Problem {
  const message = `has ${size} bytes or more; an object in a registry has at most ${MOST_OBJECT}`;
  return problem('oci-size', where, message, {
    hint: '"rootlet relink" without --keep-debug makes a smaller object',
  });
}
