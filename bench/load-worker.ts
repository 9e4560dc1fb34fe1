/**
 * One process of `bench:load`: loads an object and ends, to see how much memory that needs. Without an object it only
 * starts, which is what the memory is taken over.
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
