/**
 * The subset that kernels are written in: what its compiler refuses, and that what it accepts is the same program in
 * every form. Also rules of the code base about kernels.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { type WasmEngine, wasmEngine } from '../../src/bytes/webassembly.ts';
import { HEADER_USED, TABLES } from '../../src/image/layout.ts';
import { shippedFiles } from '../support/shipped-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMPILER = fileURLToPath(new URL('../../scripts/kernels.js', import.meta.url));

interface Compiled {
  readonly wasm: Uint8Array;
  readonly script: string;
}
type Compile = (
  root: string,
  texts: ReadonlyMap<string, string>,
  isCalled?: (name: string) => boolean,
) => Promise<Compiled>;
let compileKernels: Compile;

beforeAll(async () => {
  ({ compileKernels } = (await import(COMPILER)) as { compileKernels: Compile });
});

function engineOfTests(): WasmEngine {
  const found = wasmEngine();
  if (found === null) throw new Error('this engine has no WebAssembly');
  return found;
}
const engine = engineOfTests();

const MEMORY = `import { byte, copy, fill, half, setByte, setHalf, setWord, word } from './memory.ts';
import { HEADER } from './layout.ts';
`;
const FILE = 'src/image/wrong.kernel.ts';

function compile(text: string, isCalled?: (name: string) => boolean): Promise<Compiled> {
  return compileKernels(ROOT, new Map([[FILE, MEMORY + text]]), isCalled);
}

/** A positive number as WebAssembly has it. */
function signed(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x40 ? [low] : [low | 0x80, ...signed(value >> 7)];
}

/** A function whose body is given. */
function withBody(body: string): string {
  return `export function f(a: number, b: number): number { ${body} }`;
}

async function refusal(text: string): Promise<string> {
  try {
    await compile(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'accepted';
}

describe('refused are', () => {
  const RETURN = 'return 0;';
  test.each([
    ['multiplication', 'return a * b;', "no '*' in a kernel"],
    ['division', 'return a / b;', "no '/' in a kernel"],
    ['fractions', 'return 0.5;', 'a constant is an integer'],
    ['numbers of more than 32 bits', 'return 0x80000000;', 'not a 32-bit integer'],
    ['texts', `const x = 'a'; ${RETURN}`, 'no StringLiteral in a kernel'],
    ['arrays', `const x = [1]; ${RETURN}`, 'no ArrayLiteralExpression in a kernel'],
    ['objects', `const x = { a: b }; ${RETURN}`, 'no ObjectLiteralExpression in a kernel'],
    ['closures', `const x = () => 1; ${RETURN}`, 'no ArrowFunction in a kernel'],
    [
      'functions inside',
      `function g(): number { return 1; } ${RETURN}`,
      'no FunctionDeclaration in a kernel',
    ],
    ['exceptions', 'throw a;', 'no ThrowStatement in a kernel'],
    ['switch', `switch (a) { default: } ${RETURN}`, 'no SwitchStatement in a kernel'],
    ['unknown names', 'return c;', "there is no number 'c'"],
    ['unknown constants', 'return HEADER.unknown;', "there is no constant 'HEADER.unknown'"],
    ['unknown functions', 'return g(1);', "there is no function 'g'"],
    ['other functions of Math', 'return Math.max(a, b);', "there is no function 'Math.max'"],
    ['too few arguments', 'return word();', 'it takes 1 arguments'],
    ['results of what has none', 'return setWord(1, 2);', 'it has no result'],
    ['loose comparison', 'return a == b ? 1 : 0;', "no '==' in a kernel"],
    ['unsigned numbers', 'return a >>> 0;', "the result of '>>>' may exceed 31 bits"],
    ['shifts that may be by 0', 'return a >>> b;', "the result of '>>>' may exceed 31 bits"],
    ['half an unsigned comparison', 'return a >>> 0 < b ? 1 : 0;', 'both sides of an unsigned comparison'],
    ['&& of numbers', 'return a && b;', "'&&' of numbers is for conditions"],
    ['assignments in expressions', 'return (a = b);', "no '=' in a kernel"],
    ['assignments to what is not local', `HEADER = a; ${RETURN}`, 'only local variables are assigned'],
    ['variables without a value', `let x; ${RETURN}`, 'a variable has a value from the start'],
    ['var', `var x = 1; ${RETURN}`, "no 'var'"],
    ['destructuring', `const { x } = a; ${RETURN}`, 'no destructuring'],
    ['expressions without effect', `a + b; ${RETURN}`, "no '+' as a statement"],
  ])('%s', async (_, body, rule) => {
    const message = await refusal(withBody(body));
    expect(message).toContain(rule);
    expect(message).toMatch(/^src\/image\/wrong\.kernel\.ts:3:\d+: /);
  });

  test.each([
    ['results of functions that may not return', 'function g(a: number): number { if (a) return 1; }'],
  ])('%s', async (_, text) => {
    expect(await refusal(`${text} ${withBody('return g(a);')}`)).toContain('it has no result');
  });

  test.each([
    ['parameters of other types', 'function g(a: string): number { return 0; }', "of type 'number'"],
    ['default parameters', 'function g(a: number = 1): number { return 0; }', 'parameters are plain names'],
    ['other results', 'function g(): boolean { return true; }', "of type 'number' or 'void'"],
    ['state of the module', 'let x = 1;', 'state of a module is a constant number'],
    ['classes', 'class X {}', 'a kernel has imports, functions and constants only'],
    ['other kernels that are not there', "import { g } from './g.kernel.ts';", 'there is no kernel'],
    ['names that are not exported', "import { X } from './layout.ts';", "does not export 'X'"],
    ['other names of memory', "import { bindMemory } from './memory.ts';", "does not export 'bindMemory'"],
  ])('%s', async (_, text, rule) => {
    expect(await refusal(text)).toContain(rule);
  });

  test('the first of each function, all at once', async () => {
    const message = await refusal(
      `function g(): number { return 1 / 2; }\nfunction h(): number { return c; }`,
    );
    expect(message.split('\n')).toHaveLength(2);
  });
});

/** Calls `f` in every form, with memory whose words are 0, 1, 2, … */
async function results(text: string, ...values: readonly number[]): Promise<readonly unknown[]> {
  const { wasm, script } = await compile(text);
  const memory = new engine.Memory({ initial: 1, maximum: 1 });
  const env = { memory, grow: () => {}, draw: () => {} };
  const { exports } = new engine.Instance(new engine.Module(wasm), { env });
  const words = (buffer: ArrayBuffer) =>
    new Int32Array(buffer).forEach((_, at, all) => {
      all[at] = at;
    });
  words(memory.buffer);
  const scripted = runInThisContext(script)(() => {
    throw new Error('outside');
  });
  const buffer = new ArrayBuffer(65536);
  words(buffer);
  scripted.bindMemory(buffer, () => {});
  const called = [exports['f'], scripted.functions.f].map(f =>
    (f as (...given: readonly number[]) => number)(...values),
  );
  expect(Buffer.compare(new Uint8Array(memory.buffer), new Uint8Array(buffer)), 'memory').toBe(0);
  return called;
}

describe('compiled is', () => {
  const BOTH = 'export function f(a: number, b: number): number';
  test.each([
    ['arithmetic', 'return a + b - 3;', [10, 4], 11],
    ['products', 'return Math.imul(a, b);', [-7, 6], -42],
    ['remainders', 'return a % b;', [17, 5], 2],
    ['bits', 'return ((a & b) | 0x80000000) ^ (~a << 2);', [12, 10], (8 | 0x80000000) ^ (~12 << 2)],
    ['shifts', 'return (a >> 1) + (a >>> 28);', [-16, 0], 7],
    ['unsigned comparison', 'return a >>> 0 < b >>> 0 ? 1 : 2;', [5, -1], 1],
    ['unsigned comparison with a constant', 'return a >>> 0 > 0x80000001 ? 1 : 2;', [-1, 0], 1],
    ['conditions', 'if (a && !b || a > 5) return 1; return 2;', [1, 0], 1],
    ['truth in a variable', 'const x = a < b; return x && a > 0 ? 1 : 2;', [1, 2], 1],
    [
      'words at constant offsets',
      'return word(HEADER.top) + word(a + 5 - 2) + word(a - 1);',
      [8, 0],
      4 + 11 + 7,
    ],
    ['words at halved addresses', 'return word((a >> 2) + b);', [40, 3], 13],
    ['bytes and halves', 'return byte(a) + half(a + 1) + half(a + 4);', [400, 0], 100 + 0 + 101],
    ['stores', 'setWord(9, a); setByte(3, 300); setHalf(5, 0x12345); return word(9);', [-1, 0], -1],
    ['copies', 'copy(40, 44, 80); fill(400, a, 3); return word(10);', [7, 0], 11],
    ['while', 'let n = 0; while (a > 0) { a -= b; if (a === 6) continue; n++; } return n;', [10, 2], 4],
    [
      'for and break',
      'let n = 0; for (let i = 0; ; i += 1) { if (i > a) break; n += i; } return n;',
      [4, 0],
      10,
    ],
    [
      'loops in loops',
      'let n = 0; for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) { if (j === i) break; n += j; } return n;',
      [4, 3],
      4,
    ],
    ['while true', 'while (true) { a = a + 1; if (a > b) return a; }', [1, 5], 6],
    ['names of inner blocks', 'const x = 1; { const x = a; setWord(1, x); } return x + word(1);', [5, 0], 6],
    ['the least number', 'return -0x80000000 + a;', [1, 0], -0x7fffffff],
  ] as const)('%s', async (_, body, values, expected) => {
    expect(await results(`${BOTH} { ${body} }`, ...values)).toEqual([expected, expected]);
  });

  test('calls, constants, and functions without a result', async () => {
    const text = `const STEP = 2 << 3;
      export const FIELD = { first: 4, second: STEP + 1 } as const;
      function put(at: number): void { if (at > 100) return; setWord(at, STEP); }
      function twice(words: number): number { return words + words; }
      ${BOTH} { put(a); put(b); return twice(word(a)) + FIELD.second + word(b); }`;
    expect(await results(text, 50, 200)).toEqual([249, 249]);
  });

  test('functions that are inlined', async () => {
    const text = `
      function least(a: number, b: number): number { if (a < b) return a; return b; }
      function next(a: number): number { a = a + 1; return a; }
      function sum(b: number, a: number): number { const c = b - a; return c < 0 ? least(a, b) : next(c); }
      ${BOTH} {
        let c = 100;
        for (let i = 0; i < 3; i++) { if (least(a, i) === i && next(i) > 1) c = c + sum(a, b); else c += next(a); }
        return (c > 0 && sum(b, a) > 0) ? c + least(sum(a, c), c) : next(next(a));
      }`;
    for (const [a, b, expected] of [
      [5, 9, 121],
      [9, 5, 129],
      [-3, -3, 91],
    ] as const)
      expect(await results(text, a, b)).toEqual([expected, expected]);
  });

  test('as exports, what the host calls; other functions have code only if they are called', async () => {
    const text = `function inlined(a: number): number { return a ^ 0x7654321; }
      export function kept(a: number): number { let b = a; while (b > 9) b = inlined(b - 3) & 63; return b; }
      export function lost(a: number): number { return kept(a) ^ 0x1234567; }
      ${BOTH} { return kept(a) + kept(b); }`;
    const { wasm } = await compile(text, name => name === 'f');
    const env = { memory: new engine.Memory({ initial: 1, maximum: 1 }), grow: () => {}, draw: () => {} };
    expect(Object.keys(new engine.Instance(new engine.Module(wasm), { env }).exports)).toEqual(['f']);
    const holds = (value: number) => (bytes: Uint8Array) =>
      Buffer.from(bytes).includes(Buffer.from(signed(value)));
    expect([holds(0x7654321)(wasm), holds(0x1234567)(wasm)]).toEqual([true, false]);
    expect(holds(0x1234567)((await compile(text)).wasm)).toBe(true);
  });

  test('the same each time', async () => {
    const text = withBody('return word(a) + word(b);');
    expect(await compile(text)).toEqual(await compile(text));
  });

  test('a trap where it leaves memory', async () => {
    await expect(results(withBody('return word(a);'), 1 << 20, 0)).rejects.toThrow('out of bounds');
  });
});

/** Names in `const { a, b } = image.run(scan)` and `image.run(scan).a`. */
function callsOfKernels(text: string): string[] {
  const taken = [...text.matchAll(/\{([^{}]*)\} =\s+[^;{}]*\.run\(\w+\)/g)].flatMap(([, names = '']) =>
    names.split(',').map(name => name.split(':')[0]?.trim() ?? ''),
  );
  const direct = [...text.matchAll(/\.run\(\w+\)\.(\w+)/g)].map(([, name = '']) => name);
  return [...taken, ...direct].filter(name => name !== '');
}

/** `scan.find(…)` where `scan` is the module of a kernel. */
function callsOfModules(text: string): string[] {
  const modules = [...text.matchAll(/^import \* as (\w+) from '[^']*\.kernel\.ts'/gm)];
  return modules.flatMap(([, module]) =>
    [...text.matchAll(new RegExp(`(?<![\\w./])${module}\\.\\w+(?=\\()`, 'g'))].map(([call]) => call),
  );
}

describe('kernels of the project', () => {
  const files = shippedFiles();
  const kernels = files.filter(({ path }) => path.endsWith('.kernel.ts'));

  test('keep the rules', async () => {
    const texts = new Map(kernels.map(({ path, text }) => [path, text]));
    const { wasm, script } = await compileKernels(ROOT, texts);
    expect(new engine.Module(wasm)).toBeDefined();
    expect(() => runInThisContext(script)).not.toThrow();
  });

  test('are used by `Image.run` alone elsewhere', () => {
    const named = files
      .filter(({ path }) => !path.endsWith('.kernel.ts'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^(?:import|export) (?!\* as)[^;]*from '[^']*\.kernel\.ts'/gm)].map(
          ([statement]) => `${path}: ${statement}`,
        ),
      );
    expect(named, 'write `import * as scan`, and `image.run(scan)`').toEqual([]);
  });

  test('are not called as modules, which commands do not have', () => {
    const called = files
      .filter(({ path }) => !path.endsWith('.kernel.ts'))
      .flatMap(({ path, text }) => callsOfModules(text).map(call => `${path}: ${call}`));
    expect(called, 'write `image.run(scan).name(…)`').toEqual([]);
    const wrong =
      "import * as scan from './scan.kernel.ts';\nscan.find(1); image.run(scan).find(1); scan.LIMIT;";
    expect(callsOfModules(wrong)).toEqual(['scan.find']);
  });

  test('have names of their own where others than kernels call them', () => {
    const exported = kernels.flatMap(({ text }) =>
      [...text.matchAll(/^export function (\w+)/gm)].map(([, name = '']) => name),
    );
    const several = new Set(exported.filter((name, at) => exported.indexOf(name) !== at));
    const called = files.flatMap(({ path, text }) => callsOfKernels(text).map(name => ({ path, name })));
    expect(called.length).toBeGreaterThan(3);
    expect(called.filter(({ name }) => several.has(name))).toEqual([]);
  });

  test('use every column', () => {
    const text = files
      .filter(({ path }) => !path.endsWith('image/layout.ts'))
      .map(one => one.text)
      .join('\n');
    const columns = Object.entries(TABLES).flatMap(
      ([table, { count: _, room: __, first: ___, width: ____, ...names }]) =>
        Object.keys(names).map(name => `${table}.${name}`),
    );
    expect(columns.filter(column => !text.includes(column))).toEqual([]);
    expect(HEADER_USED).toBeLessThan(1024);
  });

  test('have a text for each fault', () => {
    const tables = files.flatMap(({ path, text }) => {
      const name = path.endsWith('/faults.ts') ? /export const (\w+_FAULT) = \{/.exec(text)?.[1] : undefined;
      return name === undefined ? [] : [{ path, name, text }];
    });
    const texts = files.filter(({ path }) => !path.endsWith('.kernel.ts')).map(one => one.text);
    const silent = tables.flatMap(({ path, name, text }) => {
      const numbers = [...text.matchAll(/^ {2}(\w+): (\d+),/gm)];
      expect(new Set(numbers.map(([, , number]) => number)).size, `${path}: numbers`).toBe(numbers.length);
      const keys = numbers.map(([, key = '']) => `${name}.${key}`);
      return keys.filter(key => !texts.some(one => new RegExp(`\\b${key}\\b`).test(one)));
    });
    expect(silent).toEqual([]);
  });
});

test('the table of memory accesses is that of the compiler', () => {
  const text = readFileSync(`${ROOT}src/image/memory.ts`, 'utf8');
  const exported = [...text.matchAll(/^export function (\w+)/gm)].map(([, name]) => name);
  const source = readFileSync(`${ROOT}scripts/kernel-source.js`, 'utf8');
  const known = [...source.matchAll(/^ {2}\['(\w+)', \d\]/gm)].map(([, name]) => name);
  expect(exported.filter(name => name !== 'bindMemory').sort()).toEqual(known.sort());
});
