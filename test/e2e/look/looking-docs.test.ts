/** The session of docs/looking.md: its commands run in order and print what the page says, but for ids. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { needs } from '../../support/needs.ts';
import { commandsOf, sourcesOf } from '../../support/page.ts';
import { PrivateShell } from '../../support/private-shell.ts';

vi.setConfig({ testTimeout: 120_000 }); // each command is a process

const PAGE = 'looking.md';

/** Ids and tags are others each time, and columns as wide as they are. */
function masked(text: string): string {
  return text
    .replace(/id \d+/g, 'id N')
    .replace(/tag [0-9a-f]{16}/g, 'tag T')
    .replace(/ +/g, ' ');
}

needs('root', 'bpf', 'clang', 'ip').test('the session runs as written', async () => {
  const shell = await PrivateShell.open();
  try {
    shell.must('mount -t bpf -o mode=0700 bpf /sys/fs/bpf');
    for (const [name, text] of sourcesOf(PAGE)) {
      writeFileSync(join(shell.directory, name), text);
      shell.must(`clang -target bpfel -g -O2 -c ${name} -o ${name.replace(/c$/, 'o')}`);
    }
    expect(commandsOf(PAGE).length).toBeGreaterThanOrEqual(4);
    for (const { line, output } of commandsOf(PAGE))
      expect([line, masked(shell.run(line).text)]).toEqual([line, masked(output)]);
  } finally {
    shell.close();
  }
});
