/**
 * The inputs of the link benchmarks by name. They are made once and kept in the temporary directory: names there
 * contain a digest of what they depend on, so that another kernel, compiler or generator makes others.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support.ts';
import { makeChain, type Shape } from './chains.ts';
import { compileAll } from './compile.ts';
import {
  objectsWithManyTypes,
  objectsWithSomeTypes,
  objectWithManyFunctions,
  type Sources,
} from './kernel-objects.ts';

/** Types of the running kernel. */
export const VMLINUX = '/sys/kernel/btf/vmlinux';

/** Objects that are linked together. */
export interface Corpus {
  /** `small-800`: a shape and a number; `vml`, `vml2`, `huge`. */
  readonly name: string;
  readonly paths: readonly string[];
  /** Bytes of all files. */
  readonly bytes: number;
}

const CACHE = join(tmpdir(), 'rootlet-corpora');
const CHAIN = /^(small|wide)-(\d+)$/;
const FROM_HEADER = { vml: objectsWithSomeTypes, vml2: objectsWithManyTypes } as const;

/** The corpus `name`, from the cache if it is there. */
export async function corpus(name: string): Promise<Corpus> {
  const directory = join(CACHE, `${name}-${digest()}`);
  if (!existsSync(directory)) {
    mkdirSync(CACHE, { recursive: true });
    const unfinished = mkdtempSync(join(CACHE, 'unfinished-'));
    await make(name, unfinished);
    renameSync(unfinished, directory);
  }
  return corpusIn(name, directory);
}

/** A copy of corpus `name` in `target`, for other measurements. */
export async function copyCorpus(name: string, target: string): Promise<void> {
  const { paths } = await corpus(name);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const path of paths) cpSync(path, join(target, path.slice(path.lastIndexOf('/') + 1)));
}

/** Can objects against the kernel's types be made here? */
export function hasKernelTypes(): boolean {
  return existsSync(VMLINUX);
}

function corpusIn(name: string, directory: string): Corpus {
  const paths = readdirSync(directory)
    .filter(file => /^[fk]\d+\.o$|^(first|second)\.o$/.test(file))
    .sort()
    .map(file => join(directory, file));
  return { name, paths, bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0) };
}

async function make(name: string, directory: string): Promise<void> {
  const [, shape, count] = CHAIN.exec(name) ?? [];
  if (shape !== undefined) return makeChain(shape as Shape, Number(count), directory); // by the expression
  if (name === 'huge') return void (await compileAll(objectWithManyFunctions(), directory, []));
  if (name !== 'vml' && name !== 'vml2') throw new Error(`there is no corpus ${name}`);
  await compileAgainstKernel(FROM_HEADER[name], directory);
}

async function compileAgainstKernel(sources: (header: string) => Sources, directory: string) {
  const header = execFileSync('bpftool', ['btf', 'dump', 'file', VMLINUX, 'format', 'c'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const include = mkdtempSync(join(directory, 'include-'));
  writeFileSync(join(include, 'vmlinux.h'), header);
  await compileAll(sources(header), directory, [`-I${include}`]);
  rmSync(include, { recursive: true });
}

let made: string | undefined;

function digest(): string {
  if (made !== undefined) return made;
  const hash = createHash('sha256');
  hash.update(execFileSync('clang-19', ['--version']));
  if (hasKernelTypes()) hash.update(readFileSync(VMLINUX));
  for (const file of ['corpora/chains', 'corpora/compile', 'corpora/corpora', 'corpora/kernel-objects'])
    hash.update(readFileSync(join(ROOT, `bench/${file}.ts`)));
  hash.update(readFileSync(join(ROOT, 'bench/templates/make.js')));
  made = hash.digest('hex').slice(0, 16);
  return made;
}
