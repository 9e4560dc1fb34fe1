/** `rootlet run` on a chain that `rootlet relink` wrote, optimized as by default: which member decided. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { main } from '../../../cli/main.ts';
import { needs } from '../../support/needs.ts';

const EXAMPLES = path.join(import.meta.dirname, '../../../examples');
const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-decided-'));
const chain = path.join(directory, 'chain.o');
afterAll(() => rmSync(directory, { recursive: true }));

async function rootlet(...words: readonly string[]): Promise<string> {
  const [out, errors]: [string[], string[]] = [[], []];
  const stdout = { write: (text: string) => out.push(text) };
  const stderr = { write: (text: string) => errors.push(text) };
  await main([...words], { stdout, stderr });
  expect(process.exitCode ?? 0, errors.join('')).toBe(0);
  return out.join('');
}

const object = (name: string): string => path.join(EXAMPLES, 'obj/el', `${name}.bpf.o`);

test('the members of a chain are named, for each packet and in sums', async () => {
  await rootlet('relink', '--chain', object('main_a'), object('main_b'), '-o', chain);
  const capture = ['--pcap', path.join(EXAMPLES, 'traffic.pcap')];
  const text = await rootlet('run', chain, ...capture);
  expect(text).toMatch(/^ 1 {2}PASS {2}main_b\.bpf\.c {2}66 bytes {4}203\.0/m);
  expect(text).toMatch(/^21 {2}DROP {2}main_a\.bpf\.c /m);
  expect(text).toContain(
    `
decided by    verdict  packets
main_a.bpf.c  DROP           3
main_b.bpf.c  DROP           1
main_b.bpf.c  PASS          31
`,
  );
  const document = JSON.parse(await rootlet('run', chain, ...capture, '--json'));
  expect(document.components).toEqual([
    { name: 'main_a.bpf.c', counts: { DROP: 3 } },
    { name: 'main_b.bpf.c', counts: { DROP: 1, PASS: 31 } },
  ]);
  expect(document.packets[20]).toMatchObject({ number: 21, verdict: 'DROP', decidedBy: 'main_a.bpf.c' });
});

test('a program of one file tells nothing of components', async () => {
  const words = ['run', object('first_firewall'), '--packet', '00'.repeat(64)];
  expect(await rootlet(...words)).not.toContain('decided by');
  const document = JSON.parse(await rootlet(...words, '--json'));
  expect(document).not.toHaveProperty('components');
  expect(document.packets[0]).not.toHaveProperty('decidedBy');
});

needs('bpf').test('the kernel does not say who decided, which a note reports', async () => {
  const slots = [`dummy1=${object('first_firewall')}`, `dummy2=${object('second_firewall')}`];
  const file = path.join(directory, 'relinked.o');
  await rootlet('relink', object('rootlet'), ...slots, '-q', '-o', file);
  const words = ['run', file, '--packet', '00'.repeat(64), '--kernel', '--json'];
  const document = JSON.parse(await rootlet(...words));
  expect(document).not.toHaveProperty('components');
  expect(document.notes).toContain(
    'the kernel does not say which of 2 components decided; the machine does, without --kernel',
  );
});
