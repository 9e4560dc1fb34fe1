/** The steps of the guide, as they are written: their commands run in order and print what the pages show. */

import { cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { needs } from '../../support/needs.ts';
import { commandsOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';

vi.setConfig({ testTimeout: 120_000 }); // each command is a process

const STEPS = ['link', 'relink', 'load', 'look'].map(name => `site/pages/guide/${name}.md`);

/** Without numbers and tags that differ from one run to the next. */
function comparable(text: string): string {
  return text
    .replace(/\b(id) \d+ */g, '$1 N ')
    .replace(/\btag [0-9a-f]{16}/g, 'tag T')
    .replace(/\bgeneration \d+/g, 'generation N')
    .replace(/\b(foo" \()\w+/g, '$1B'); // the back end depends on the kernel
}

needs('root', 'bpf', 'ip').test('the guide runs as written', async () => {
  const shell = await PrivateShell.open();
  try {
    for (const name of readdirSync('examples/obj/el'))
      cpSync(path.join('examples/obj/el', name), path.join(shell.directory, name));
    cpSync('examples/traffic.pcap', path.join(shell.directory, 'traffic.pcap'));
    shell.must('mount -t bpf -o mode=0700 bpf /sys/fs/bpf && ip link add v0 type veth peer name v1');
    for (const page of STEPS)
      for (const { line, output } of commandsOf(page))
        expect([page, line, comparable(shell.run(line).text)]).toEqual([page, line, comparable(output)]);
  } finally {
    shell.close();
  }
});

test('each step has commands that run', () => {
  for (const page of STEPS) expect(commandsOf(page).length, page).toBeGreaterThan(1);
});
