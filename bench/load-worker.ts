/**
 * One process of `bench:load`: loads an object and ends. `node load-worker.js OBJECT` prints the peak of its memory in
 * KiB; without an object it only starts, which is what all figures are taken over.
 */

import { readFileSync } from 'node:fs';

const [path] = process.argv.slice(2);
if (path !== undefined) {
  const [{ openSys }, { loadObject }, { readObject }] = await Promise.all([
    import('../src/kernel/open/koffi.ts'),
    import('../src/load/load.ts'),
    import('../src/object/read/read.ts'),
  ]);
  loadObject(readObject({ name: path, bytes: readFileSync(path) }), openSys()).close();
}
const peak = readFileSync('/proc/self/status', 'utf8')
  .split('\n')
  .find(line => line.startsWith('VmHWM:'));
process.stdout.write(`${Number.parseInt(peak?.slice('VmHWM:'.length) ?? '', 10)}\n`);
