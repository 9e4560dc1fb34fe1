import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../bytes/writer.ts';
import { CodeBuilder, writeSigned, writeSigned64, writeUnsigned } from './code.ts';
import { compileModule, createMemory, exported, instantiate } from './engine.ts';
import { ModuleBuilder } from './module.ts';
import * as w from './opcodes.ts';

function bytesOf(write: (writer: ByteWriter) => void): number[] {
  const writer = new ByteWriter('little');
  write(writer);
  return [...writer.finish()];
}

describe('LEB128', () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [0xffffffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('unsigned %d', (value, expected) => {
    expect(bytesOf(writer => writeUnsigned(writer, value))).toEqual(expected);
  });

  it.each([
    [0, [0]],
    [-1, [0x7f]],
    [63, [0x3f]],
    [64, [0xc0, 0]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [-0x80000000, [0x80, 0x80, 0x80, 0x80, 0x78]],
    [0x7fffffff, [0xff, 0xff, 0xff, 0xff, 0x07]],
  ])('signed %d, the same from a number and a bigint', (value, expected) => {
    expect(bytesOf(writer => writeSigned(writer, value))).toEqual(expected);
    expect(bytesOf(writer => writeSigned64(writer, BigInt(value)))).toEqual(expected);
  });

  it('64-bit constants may be given unsigned', () => {
    expect(bytesOf(writer => writeSigned64(writer, 0xffffffffffffffffn))).toEqual([0x7f]);
    expect(bytesOf(writer => writeSigned64(writer, 1n << 63n)).length).toBe(10);
  });
});

/** A module of one exported function `f` and an import `env.twice`. */
function build(write: (code: CodeBuilder, twice: number) => void): (a: bigint, b: bigint) => bigint {
  const module = new ModuleBuilder();
  module.importMemory(1);
  const callee = module.declare();
  const code = new CodeBuilder();
  write(code, module.importFunction('env', 'twice', module.type([w.I32], [w.I32])));
  const main = module.define(module.type([w.I64, w.I64], [w.I64]), [w.I32, w.I64, w.I64], code);
  const body = new CodeBuilder();
  body.get(0);
  body.get(0);
  body.op(w.I64_MUL);
  module.fill(callee, module.type([w.I64], [w.I64]), [], body);
  module.setTable([callee, main]);
  module.exportFunction('f', main);
  const compiled = compileModule(module.finish());
  const instance = instantiate(compiled, {
    env: { memory: createMemory(1), twice: (value: number) => value * 2 },
  });
  return exported(instance, 'f') as (a: bigint, b: bigint) => bigint; // its type is declared above
}

describe('modules', () => {
  it('calls of imports and of later functions keep their indexes', () => {
    const f = build((code, twice) => {
      code.get(0);
      code.callDefined(0);
      code.get(1);
      code.op(w.I32_WRAP_I64);
      code.callImport(twice);
      code.op(w.I64_EXTEND_I32_S, w.I64_ADD);
    });
    expect(f(7n, -4n)).toBe(41n);
  });

  it('constants survive at all widths', () => {
    for (const constant of [0n, -1n, 1n << 62n, -(1n << 63n), 0x123456789abcdefn]) {
      expect(build(code => code.i64(constant))(0n, 0n)).toBe(constant);
    }
    for (const constant of [0, -1, 2 ** 31, -(2 ** 31), 2 ** 40 + 5]) {
      expect(build(code => code.i64(constant))(0n, 0n)).toBe(BigInt(constant));
    }
  });

  it('locals, control, memory and indirect calls validate and run', () => {
    const f = build(code => {
      code.i32(16);
      code.get(0);
      code.memory(w.I64_STORE, 8);
      code.open(w.BLOCK);
      code.get(1);
      code.op(w.I64_EQZ);
      code.brIf(0);
      code.i32(24);
      code.memory(w.I64_LOAD16_U);
      code.i32(0);
      code.callIndirect(2);
      code.op(w.RETURN);
      code.op(w.END);
      code.i64(-1);
    });
    expect(f(0x10003n, 1n)).toBe(9n);
    expect(f(0x10003n, 0n)).toBe(-1n);
  });

  it('a declared function without a body is a bug', () => {
    const module = new ModuleBuilder();
    module.declare();
    expect(() => module.finish()).toThrow('function 0 is declared');
  });
});
