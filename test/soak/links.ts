/** Soak of what needs no kernel: links of every size, in both forms, those that fail; re-linking, inspection. */

import { formatProblem, RootletError } from '../../src/diag/problem.ts';
import { type LinkResult, link } from '../../src/link/link.ts';
import { relink } from '../../src/link/relink.ts';
import { relinkChain } from '../../src/link/relink-chain.ts';
import { inspect } from '../../src/link/report/inspect.ts';
import type { ObjectFile } from '../../src/object/read/input.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import type { Subject } from './subject.ts';

type Objects = (name: string) => ObjectFile;

/** Writes what a link gave. */
function written(result: LinkResult): void {
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  if (writeObject(result.object).length < 100) throw new Error('nothing was written');
}

function linked(inputs: readonly ObjectFile[]): void {
  written(link(inputs));
}

function refused(inputs: readonly ObjectFile[]): void {
  const result = link(inputs);
  if (result.ok) throw new Error('what must not link was linked');
}

/** The same in one form of the kernels (`src/image/form.ts`). */
function inForm(form: 'js' | 'wasm', subject: Subject): Subject {
  return {
    ...subject,
    name: `${subject.name}, ${form}`,
    async open() {
      const { ROOTLET_CORE: before } = process.env;
      process.env['ROOTLET_CORE'] = form;
      const running = await subject.open();
      return {
        ...running,
        close() {
          running.close?.();
          if (before === undefined) delete process.env['ROOTLET_CORE'];
          else process.env['ROOTLET_CORE'] = before;
        },
      };
    },
  };
}

/** A byte of the object is another one in each cycle: accepted or refused, without anything else. */
function corrupted({ name, bytes }: ObjectFile, cycle: number): void {
  const copy = new Uint8Array(bytes); // slice() of a Buffer shares its bytes
  const at = Math.imul(cycle, 2654435761) >>> 0;
  copy[at % copy.length] = (at >>> 8) & 0xff;
  try {
    const result = link([{ name, bytes: copy }]);
    if (result.ok) writeObject(result.object);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
  }
}

function relinked(objects: Objects): void {
  const result = relink(objects('host'), [{ slot: 'slot1', component: objects('a') }]);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  writeObject(result.object);
}

function chained(objects: Objects): void {
  const result = relinkChain([{ component: objects('a') }, { component: objects('b') }]);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  writeObject(result.object);
}

function inspected(file: ObjectFile): void {
  const object = readObject(file);
  const { programs, maps } = inspect(object);
  if (programs.length !== 1 || maps.length === 0) throw new Error('not what is in the object');
}

/** `forms`: whether kernels can run as WebAssembly here. */
export function linkSubjects(objects: Objects, large: number, forms: readonly ('js' | 'wasm')[]): Subject[] {
  const subject = (name: string, cycle: (at: number) => void, every = 1): Subject => {
    return { what: 'links', name, every, open: () => ({ cycle }) };
  };
  const many = Array.from({ length: large }, (_, at) => `large${at}`);
  const small = subject('two objects', () => linked([objects('library'), objects('consumer')]));
  const plenty = subject(`${large} objects`, () => linked(many.map(objects)), 10);
  return [
    ...forms.flatMap(form => [inForm(form, small), inForm(form, plenty)]),
    subject('an object of 40 MiB', () => linked([objects('huge')]), 100),
    subject('undefined symbol', () => refused([objects('needy')])),
    subject('corrupted object', at => corrupted(objects('a'), at)),
    subject('relink', () => relinked(objects)),
    subject('chain, optimized', () => chained(objects), 10),
    subject('read and inspect', () => inspected(objects('a'))),
  ];
}
