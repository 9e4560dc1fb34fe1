/** Names, archives, images, signatures and policies, without a registry. */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { InputObject } from '../../object/read/input.ts';
import { ObjectCache } from './cache.ts';
import { Credentials } from './credentials.ts';
import { digestOf } from './digest.ts';
import {
  type ImageManifest,
  imageOf,
  labelsIn,
  MOST_OBJECT,
  objectIn,
  objectLayer,
  readManifest,
} from './image.ts';
import { parsePolicy, ruleFor } from './policy.ts';
import { parseReference, pinned, spellReference } from './reference.ts';
import { readPrivateKey, readPublicKey, signatureImage, signatureLayers, signerOf } from './signature.ts';
import { readTar, writeTar } from './tar.ts';

const OBJECT = readFileSync('examples/obj/el/first_firewall.bpf.o');
const directory = mkdtempSync(join(tmpdir(), 'rootlet-objects-'));
afterAll(() => rmSync(directory, { recursive: true }));

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) {
      expect(error.problems.every(({ hint, code }) => hint !== undefined || code === 'oci-layer')).toBe(true);
      return error.code;
    }
    throw error;
  }
  return 'none';
}

const HEX = '0123456789abcdef'.repeat(4);

test('names of objects', () => {
  expect(parseReference('oci://reg.example:5000/edge/fw:1.2')).toEqual({
    registry: 'reg.example:5000',
    name: 'edge/fw',
    tag: '1.2',
    digest: null,
  });
  const byDigest = parseReference(`[::1]:5000/fw@sha256:${HEX}`);
  expect(spellReference(byDigest)).toBe(`[::1]:5000/fw@sha256:${HEX}`);
  const wrong = [
    '',
    'fw',
    'fw:1',
    'reg/FW:1',
    'reg/../fw:1',
    'reg/fw',
    'reg/fw:',
    `reg/fw@sha256:${HEX}0`,
    'a b/fw:1',
    'reg//fw:1',
    `reg/${'a/'.repeat(300)}fw:1`,
  ];
  for (const text of wrong)
    expect([text, codeOf(() => parseReference(text))]).toEqual([text, 'oci-reference']);
});

describe('archives', () => {
  test('one file, and back', () => {
    const bytes = Buffer.from('x'.repeat(700));
    const archive = writeTar('a.o', bytes);
    expect(archive.length % 512).toBe(0);
    expect(readTar([], archive)).toEqual({ name: 'a.o', bytes });
  });

  test('what is wrong with them', () => {
    const good = Buffer.from(writeTar('a.o', Buffer.from('abc')));
    const patched = (at: number, text: string): Buffer => {
      const copy = Buffer.from(good);
      copy.write(text, at, 'latin1');
      return copy;
    };
    const link = Buffer.from(good);
    link[156] = '2'.charCodeAt(0);
    const sum = link.subarray(0, 512).reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
    link.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const cases = [
      patched(0, 'b'),
      patched(124, '77777777777 '),
      patched(124, 'x'),
      link,
      Buffer.alloc(1024),
      Buffer.concat([good.subarray(0, 1024), good]),
      good.subarray(0, 514),
    ];
    for (const [at, bytes] of cases.entries())
      expect([at, codeOf(() => readTar(['l'], bytes))]).toEqual([at, 'oci-layer']);
  });

  test('no corruption of a byte does more than refuse', () => {
    const good = Buffer.from(writeTar('a.o', Buffer.from('abc')));
    for (let at = 0; at < 512; at++)
      for (const value of [0, 0x37, 0xff]) {
        const copy = Buffer.from(good);
        copy[at] = value;
        expect(['none', 'oci-layer']).toContain(codeOf(() => readTar(['l'], copy)));
      }
  });
});

describe('images', () => {
  const input = new InputObject({ name: 'dir/first_firewall.bpf.o', bytes: OBJECT });
  const image = imageOf(input);

  test('are the same for the same object, and what bpfman reads', () => {
    expect(imageOf(new InputObject({ name: 'first_firewall.bpf.o', bytes: OBJECT })).manifest.digest).toBe(
      image.manifest.digest,
    );
    expect(imageOf(input, 1).manifest.digest).not.toBe(image.manifest.digest);
    const read = readManifest([], image.manifest.bytes, 'amd64');
    if (!('manifest' in read)) throw new Error('an index');
    const layer = objectLayer([], read.manifest);
    expect(layer.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip');
    const [config, blob] = image.blobs;
    expect(Buffer.from(objectIn([], layer.mediaType, blob?.bytes ?? new Uint8Array()))).toEqual(OBJECT);
    expect(labelsIn([], config?.bytes ?? new Uint8Array()).programs).toEqual(new Map([['xdp_prog1', 'xdp']]));
    const text = JSON.parse(Buffer.from(config?.bytes ?? []).toString());
    expect(text.rootfs.diff_ids).toEqual([digestOf(gunzipSync(blob?.bytes ?? new Uint8Array()))]);
    expect(JSON.parse(text.config.Labels['io.ebpf.maps'])).toEqual(image.maps);
  });

  const manifest = (change: object): ImageManifest => {
    const parsed = { ...JSON.parse(Buffer.from(image.manifest.bytes).toString()), ...change };
    const read = readManifest(['m'], Buffer.from(JSON.stringify(parsed)), 'amd64');
    if ('manifest' in read) return read.manifest;
    throw new Error('an index');
  };

  test('of other forms', () => {
    const raw = 'application/vnd.gadget.ebpf.program.v1+binary';
    expect(objectIn([], raw, OBJECT)).toBe(OBJECT);
    const tar = writeTar('x.o', OBJECT);
    expect(Buffer.from(objectIn([], 'application/vnd.oci.image.layer.v1.tar', tar))).toEqual(OBJECT);
    const index = {
      manifests: [
        {
          mediaType: 'm',
          digest: `sha256:${HEX}`,
          size: 1,
          platform: { architecture: 's390x', os: 'linux' },
        },
      ],
    };
    const bytes = Buffer.from(JSON.stringify(index));
    expect(readManifest([], bytes, 's390x')).toEqual({ other: `sha256:${HEX}` });
    expect(codeOf(() => readManifest([], bytes, 'amd64'))).toBe('oci-manifest');
  });

  test('that are refused', () => {
    const layer = {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: `sha256:${HEX}`,
      size: 5,
    };
    expect(codeOf(() => readManifest([], Buffer.from('{'), ''))).toBe('oci-manifest');
    expect(codeOf(() => readManifest([], Buffer.from('[]'), ''))).toBe('oci-manifest');
    expect(codeOf(() => manifest({ layers: 'no' }))).toBe('oci-manifest');
    expect(codeOf(() => manifest({ layers: [{ ...layer, digest: 'sha256:../../etc' }] }))).toBe(
      'oci-manifest',
    );
    expect(codeOf(() => objectLayer([], manifest({ layers: [] })))).toBe('oci-manifest');
    expect(codeOf(() => objectLayer([], manifest({ layers: [layer, layer] })))).toBe('oci-manifest');
    expect(codeOf(() => objectLayer([], manifest({ layers: [{ ...layer, size: MOST_OBJECT + 1 }] })))).toBe(
      'oci-size',
    );
    expect(codeOf(() => objectIn([], layer.mediaType, Buffer.from('no gzip')))).toBe('oci-layer');
    const bomb = gzipSync(Buffer.alloc(MOST_OBJECT + (1 << 20)));
    expect(codeOf(() => objectIn([], layer.mediaType, bomb))).toBe('oci-size');
    const big = { name: 'big.o', bytes: new Uint8Array(MOST_OBJECT + 1), object: input.object };
    expect(codeOf(() => imageOf(big as unknown as InputObject))).toBe('oci-size');
    expect(codeOf(() => labelsIn([], Buffer.from('{"config":{"Labels":{"io.ebpf.maps":"[]"}}}')))).toBe(
      'oci-manifest',
    );
  });
});

const pair = generateKeyPairSync('ed25519');
const pem = {
  private: String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  public: String(pair.publicKey.export({ type: 'spki', format: 'pem' })),
};

describe('signatures', () => {
  const target = parseReference(`reg/edge/fw@sha256:${HEX}`);
  const digest = target.digest ?? '';
  const key = readPrivateKey('ops.key', pem.private);
  const keys = new Map([['ops.pub', readPublicKey('ops.pub', pem.public)]]);
  const { manifest, blobs } = signatureImage(target, digest, key, []);
  const read = readManifest([], manifest.bytes, '');
  const [layer] = 'manifest' in read ? signatureLayers(read.manifest) : [];
  const payload = blobs[1]?.bytes ?? new Uint8Array();

  test('are of a key, a name and a digest', () => {
    if (layer === undefined) throw new Error('no signature');
    expect(signerOf(target, digest, layer, payload, keys)).toBe('ops.pub');
    const other = generateKeyPairSync('ed25519').publicKey;
    expect(signerOf(target, digest, layer, payload, new Map([['x', other]]))).toBeUndefined();
    expect(
      signerOf(pinned({ ...target, name: 'edge/other' }, digest), digest, layer, payload, keys),
    ).toBeUndefined();
    expect(signerOf(target, digest.replace('0', '1'), layer, payload, keys)).toBeUndefined();
    const changed = Buffer.from(payload);
    changed[20] = 0;
    expect(signerOf(target, digest, layer, changed, keys)).toBeUndefined();
  });

  test('are added, and the same one is not added twice', () => {
    const count = (before: typeof manifest): number => {
      const found = readManifest([], before.bytes, '');
      return 'manifest' in found ? signatureLayers(found.manifest).length : 0;
    };
    const before = layer === undefined ? [] : [layer];
    expect(count(signatureImage(target, digest, key, before).manifest)).toBe(1);
    expect(
      count(signatureImage(target, digest, generateKeyPairSync('ed25519').privateKey, before).manifest),
    ).toBe(2);
  });

  test('keys that are refused', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const rsaPem = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
    for (const text of ['', 'x', rsaPem, pem.private])
      expect(codeOf(() => readPublicKey('k', text))).toBe('oci-key');
    expect(codeOf(() => readPrivateKey('k', pem.public))).toBe('oci-key');
  });
});

describe('policies', () => {
  const parse = (rules: unknown) => parsePolicy('p.json', JSON.stringify({ rules }), () => pem.public);

  test('the first rule that matches decides', () => {
    const policy = parse([
      { repository: 'reg.example/edge/*', keys: ['a.pub'] },
      { repository: 'reg.example/**', unsigned: true },
    ]);
    const rule = (name: string) => ruleFor(policy, parseReference(`${name}:1`)).repository;
    expect(rule('reg.example/edge/fw')).toBe('reg.example/edge/*');
    expect(rule('reg.example/edge/deep/fw')).toBe('reg.example/**');
    expect(codeOf(() => rule('regxexample/edge/fw'))).toBe('oci-signature');
  });

  test('that are refused', () => {
    for (const rules of [
      1,
      [{}],
      [{ repository: 'a' }],
      [{ repository: 'a', keys: ['k'], unsigned: true }],
      [{ repository: '(a+)+$', unsigned: true }],
    ])
      expect(codeOf(() => parse(rules))).toBe('oci-policy');
  });
});

test('credentials', () => {
  const auth = Buffer.from('me:secret').toString('base64');
  const file = JSON.stringify({ auths: { 'https://reg.example/v1/': { auth }, 'b:5000': {} } });
  const credentials = Credentials.parse('auth.json', file);
  expect(credentials.for('reg.example')).toBe(`Basic ${auth}`);
  expect(credentials.for('b:5000')).toBeUndefined();
  expect(codeOf(() => Credentials.parse('auth.json', '{"auths":{"a":{"auth":"\\r\\nHost: x"}}}'))).toBe(
    'oci-credentials',
  );
});

test('the cache: what is damaged is not there; what is old and unused is removed', () => {
  const cache = new ObjectCache(directory);
  const digest = digestOf('abc');
  expect(cache.get(digest)).toBeUndefined();
  cache.put(digest, Buffer.from('abc'));
  cache.putSignatures(digest, Buffer.from('s'));
  expect(Buffer.from(cache.get(digest) ?? []).toString()).toBe('abc');
  const path = join(directory, 'sha256', digest.slice(7));
  writeFileSync(path, 'abd');
  expect(cache.get(digest)).toBeUndefined();
  expect(cache.prune(new Set([digest]), Date.now() + 10_000, 1000)).toBe(0);
  expect(cache.prune(new Set(), Date.now(), 60_000)).toBe(0);
  expect(cache.prune(new Set(), Date.now() + 10_000, 1000)).toBe(2);
  expect(readdirSync(join(directory, 'sha256'))).toEqual([]);
  writeFileSync(join(directory, 'file'), '');
  expect(codeOf(() => new ObjectCache(join(directory, 'file')).put(digest, OBJECT))).toBe('oci-cache');
});
