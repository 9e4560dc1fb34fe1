/** `push` and `pull` with a real registry: plain, with TLS and a password, away, and with contents that were changed. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bundleCommand } from '../../../cli/testing.ts';
import { needs } from '../../support/needs.ts';
import { makeAuthority, registryName, type Server, startRegistry } from '../../support/servers.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const OBJECT = join(process.cwd(), 'examples/obj/el/first_firewall.bpf.o');
/** bcrypt of "secret". */
const HASH = '$2b$04$CYVQjcUuk0fvA3iLinsQUem0cuerWDnY2aFpR6eOkrS6tGA3keeMu';

needs('docker-registry', 'openssl').describe('objects in a registry', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-push-'));
  const at = (name: string): string => join(directory, name);
  const servers: Server[] = [];
  let plain: Server;
  let name = '';

  const rootlet = (...words: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise(resolve => {
      const child = spawn(process.execPath, [at('rootlet.mjs'), ...words], { cwd: directory });
      const texts = { out: '', err: '' };
      child.stdout.on('data', data => {
        texts.out += data;
      });
      child.stderr.on('data', data => {
        texts.err += data;
      });
      child.on('close', code => resolve({ code: code ?? -1, ...texts }));
    });
  const refusal = async (...words: readonly string[]): Promise<string> => {
    const { code, out } = await rootlet(...words, '--json');
    expect(code).toBeGreaterThan(0);
    return JSON.parse(out).problems[0].code;
  };
  const digestIn = (out: string): string => /sha256:[0-9a-f]{64}/.exec(out)?.[0] ?? '';

  beforeAll(async () => {
    bundleCommand(at('rootlet.mjs'));
    plain = await startRegistry();
    servers.push(plain);
    name = registryName(plain);
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', at('ops.key')]);
    execFileSync('openssl', ['pkey', '-in', at('ops.key'), '-pubout', '-out', at('ops.pub')]);
    writeFileSync(
      at('policy.json'),
      JSON.stringify({ rules: [{ repository: `${name}/**`, keys: ['ops.pub'] }] }),
    );
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(directory, { recursive: true });
  });

  test('there and back by tag and by digest, the same bytes', async () => {
    const pushed = await rootlet('push', OBJECT, `${name}/edge/fw:1`, '--plain-http', name);
    expect(pushed).toMatchObject({ code: 0, err: '' });
    const digest = digestIn(pushed.out);
    const again = await rootlet('push', OBJECT, `${name}/edge/fw:2`, '--plain-http', name);
    expect(digestIn(again.out)).toBe(digest);
    const pulled = await rootlet('pull', `${name}/edge/fw@${digest}`, '-o', 'fw.o', '--plain-http', name);
    expect(pulled.code).toBe(0);
    expect(pulled.err).toContain('signatures were not looked at');
    expect(readFileSync(at('fw.o'))).toEqual(readFileSync(OBJECT));
    const facts = JSON.parse(
      (await rootlet('pull', `${name}/edge/fw:1`, '--json', '--plain-http', name)).out,
    );
    expect(facts).toMatchObject({ digest, signer: null, programs: { xdp_prog1: 'xdp' } });
  });

  test('signatures, and a policy that wants them', async () => {
    const words = ['--policy', 'policy.json', '--plain-http', name];
    await rootlet('push', OBJECT, `${name}/edge/unsigned:1`, '--plain-http', name);
    expect(await refusal('pull', `${name}/edge/unsigned:1`, ...words)).toBe('oci-signature');
    await rootlet('push', OBJECT, `${name}/edge/signed:1`, '--sign', 'ops.key', '--plain-http', name);
    const { out } = await rootlet('pull', `${name}/edge/signed:1`, ...words, '--json');
    expect(JSON.parse(out)).toMatchObject({ ok: true, signer: 'ops.pub' });
    expect(
      await refusal(
        'pull',
        `${name}/edge/signed:1`,
        '--plain-http',
        name,
        '--policy',
        'policy.json',
        '--allow-unsigned',
      ),
    ).toBe('fleet-option');
  });

  test('what is not there, what is not a name, and a registry without TLS', async () => {
    expect(await refusal('pull', `${name}/edge/none:1`, '--plain-http', name)).toBe('oci-not-found');
    expect(await refusal('pull', 'nothing', '--plain-http', name)).toBe('oci-reference');
    expect(await refusal('pull', `${name}/edge/fw:1`)).toBe('oci-registry');
  });

  test('contents that were changed in the storage are refused', async () => {
    const { out } = await rootlet('push', OBJECT, `${name}/edge/changed:1`, '--plain-http', name, '--json');
    const { digest } = JSON.parse(out);
    const blobs = join(plain.directory, 'data/docker/registry/v2/blobs/sha256');
    const path = join(blobs, digest.slice(7, 9), digest.slice(7), 'data');
    const before = readFileSync(path);
    writeFileSync(path, Buffer.from(before).fill(0x20, before.length - 3, before.length - 2));
    expect(['oci-digest', 'oci-registry', 'oci-manifest']).toContain(
      await refusal('pull', `${name}/edge/changed@${digest}`, '--plain-http', name),
    );
    writeFileSync(path, before);
  });

  test('a registry that lies about a digest, and one that answers without end', async () => {
    const server = createServer((request, response) => {
      if (request.url?.includes('endless') === true) {
        const more = (): boolean => response.write(Buffer.alloc(1 << 16)) && more();
        response.on('drain', more);
        more();
      } else response.end('{"schemaVersion":2}');
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const host = `localhost:${typeof address === 'object' && address !== null ? address.port : 0}`;
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await refusal('pull', `${host}/fw@${digest}`, '--plain-http', host)).toBe('oci-digest');
    expect(await refusal('pull', `${host}/endless@${digest}`, '--plain-http', host)).toBe('oci-registry');
    server.closeAllConnections();
    server.close();
  });

  test('the cache serves what was fetched when the registry is away', async () => {
    const pushed = await rootlet(
      'push',
      OBJECT,
      `${name}/edge/kept:1`,
      '--sign',
      'ops.key',
      '--plain-http',
      name,
    );
    const target = `${name}/edge/kept@${digestIn(pushed.out)}`;
    const words = ['--state', 'state', '--policy', 'policy.json', '--plain-http', name];
    expect((await rootlet('pull', target, ...words)).code).toBe(0);
    await plain.kill();
    expect((await rootlet('pull', target, '-o', 'kept.o', ...words)).code).toBe(0);
    expect(readFileSync(at('kept.o'))).toEqual(readFileSync(OBJECT));
    expect(await refusal('pull', `${name}/edge/fw:1`, ...words)).toBe('oci-registry');
    await plain.start();
    expect(readdirSync(at('state/objects/sha256')).some(file => file.endsWith('.new'))).toBe(false);
  });

  test('TLS with certificates of clients, and a password', async () => {
    const authority = makeAuthority(at('pki'));
    const own = authority.issue('server');
    const client = authority.issue('client');
    const secure = await startRegistry({
      tls: { ...own, ca: authority.ca },
      user: { name: 'me', hash: HASH },
    });
    servers.push(secure);
    const host = registryName(secure);
    const auth = Buffer.from('me:secret').toString('base64');
    writeFileSync(at('auth.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    const certificates = ['--registry-cert', client.cert, '--registry-key', client.key];
    const ca = ['--registry-ca', authority.ca];
    const all = [...ca, ...certificates, '--authfile', 'auth.json'];
    expect(await rootlet('push', OBJECT, `${host}/edge/fw:1`, ...all)).toMatchObject({ code: 0, err: '' });
    expect((await rootlet('pull', `${host}/edge/fw:1`, '-o', 'tls.o', ...all)).code).toBe(0);
    expect(readFileSync(at('tls.o'))).toEqual(readFileSync(OBJECT));
    expect(await refusal('pull', `${host}/edge/fw:1`, ...certificates, '--authfile', 'auth.json')).toBe(
      'oci-registry',
    );
    expect(await refusal('pull', `${host}/edge/fw:1`, ...ca, '--authfile', 'auth.json')).toBe('oci-registry');
    expect(await refusal('pull', `${host}/edge/fw:1`, ...ca, ...certificates)).toBe('oci-denied');
    expect(await refusal('pull', `${host}/edge/fw:1`, ...ca, '--registry-cert', client.cert)).toBe(
      'fleet-option',
    );
  });
});
