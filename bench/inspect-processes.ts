/** `rootlet inspect` of large objects as a whole process; of types beside `bpftool btf dump`. */

import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from './corpora/corpora.ts';
import type { InspectFigures } from './link-figures.ts';
import { BARE, inTurn, node, run } from './processes.ts';
import { ROOT } from './support.ts';

const bin = join(ROOT, 'bin/rootlet.js');

/** 8 MB of 900 wide objects, and 2.7 MB of 800 small ones, linked. */
export async function measureInspect(directory: string, rounds: number): Promise<InspectFigures> {
  const all = await linked('wide-900', directory);
  const types = await linked('small-800', directory);
  const [bare = 0, allSeconds = 0, typesSeconds = 0, typesPeer = 0] = inTurn(rounds, [
    BARE,
    node([bin, 'inspect', all]),
    node([bin, 'inspect', '--btf', types]),
    { program: 'bpftool', args: ['btf', 'dump', 'file', types] },
  ]);
  return {
    all: allSeconds - bare,
    allBytes: statSync(all).size,
    types: typesSeconds - bare,
    typesBytes: statSync(types).size,
    typesPeer,
  };
}

async function linked(name: string, directory: string): Promise<string> {
  const [list, output] = [join(directory, `${name}.list`), join(directory, `${name}.o`)];
  writeFileSync(list, (await corpus(name)).paths.join('\n'));
  run(node([bin, 'link', `@${list}`, '-o', output]));
  return output;
}
