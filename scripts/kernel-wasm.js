/**
 * Kernels as a WebAssembly module. Every value is an i32; a function without a result gives 0. No optimization beyond
 * constant offsets of accesses and small functions in place of calls: the engine's first compiler is what runs it, and a
 * better one gains little.
 *
 * Imports: `env.memory`, and `env.grow` with the wanted number of bytes. Exports: functions by name, those whose name is unique.
 */

import ts from 'typescript';
import { ACCESSES, callable, completes, fold, KernelError } from './kernel-source.js';

/** @typedef {import('./kernel-source.js').Kernels} Kernels */
/** @typedef {import('./kernel-source.js').KernelFunction} KernelFunction */

const { SyntaxKind } = ts;

/** Opcodes that are used here. */
const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  get: 0x20,
  set: 0x21,
  const: 0x41,
  eqz: 0x45,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  and: 0x71,
  xor: 0x73,
  shl: 0x74,
};
const I32 = 0x7f;
const NOTHING = 0x40;

/** Opcode of each binary operator. */
const BINARY = new Map([
  [SyntaxKind.PlusToken, OP.add],
  [SyntaxKind.MinusToken, OP.sub],
  [SyntaxKind.PercentToken, 0x6f],
  [SyntaxKind.AmpersandToken, OP.and],
  [SyntaxKind.BarToken, 0x72],
  [SyntaxKind.CaretToken, OP.xor],
  [SyntaxKind.LessThanLessThanToken, OP.shl],
  [SyntaxKind.GreaterThanGreaterThanToken, 0x75],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken, 0x76],
]);
/** Opcodes of comparisons, signed and unsigned. */
const COMPARISON = new Map([
  [SyntaxKind.EqualsEqualsEqualsToken, [0x46, 0x46]],
  [SyntaxKind.ExclamationEqualsEqualsToken, [0x47, 0x47]],
  [SyntaxKind.LessThanToken, [0x48, 0x49]],
  [SyntaxKind.GreaterThanToken, [0x4a, 0x4b]],
  [SyntaxKind.LessThanEqualsToken, [0x4c, 0x4d]],
  [SyntaxKind.GreaterThanEqualsToken, [0x4e, 0x4f]],
]);
/** Operators that take the low 32 bits of whatever number they get. */
const OF_BITS = new Set([
  SyntaxKind.AmpersandToken,
  SyntaxKind.BarToken,
  SyntaxKind.CaretToken,
  SyntaxKind.LessThanLessThanToken,
  SyntaxKind.GreaterThanGreaterThanToken,
  SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
]);
/** The operator in a compound assignment. @type {ReadonlyMap<ts.SyntaxKind, ts.BinaryOperator>} */
const COMPOUND = new Map([
  [SyntaxKind.PlusEqualsToken, SyntaxKind.PlusToken],
  [SyntaxKind.MinusEqualsToken, SyntaxKind.MinusToken],
  [SyntaxKind.AmpersandEqualsToken, SyntaxKind.AmpersandToken],
  [SyntaxKind.BarEqualsToken, SyntaxKind.BarToken],
  [SyntaxKind.CaretEqualsToken, SyntaxKind.CaretToken],
  [SyntaxKind.LessThanLessThanEqualsToken, SyntaxKind.LessThanLessThanToken],
  [SyntaxKind.GreaterThanGreaterThanEqualsToken, SyntaxKind.GreaterThanGreaterThanToken],
  [
    SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken,
    SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
  ],
]);
/** Instruction and alignment of each access of one place, and the shift from its index to an address. */
const PLACES = new Map([
  ['word', { code: [0x28, 2], shift: 2 }],
  ['byte', { code: [0x2d, 0], shift: 0 }],
  ['half', { code: [0x2f, 0], shift: 0 }],
  ['setWord', { code: [0x36, 2], shift: 2 }],
  ['setByte', { code: [0x3a, 0], shift: 0 }],
  ['setHalf', { code: [0x3b, 0], shift: 0 }],
]);
const WHOLE = new Map([
  ['copy', [0xfc, 10, 0, 0]],
  ['fill', [0xfc, 11, 0]],
  ['grow', [OP.call, 0]],
]);

/** @param {number} value @returns {number[]} */
function unsigned(value) {
  const bytes = [];
  for (let rest = value >>> 0; ; ) {
    const low = rest & 127;
    rest >>>= 7;
    if (rest === 0) return [...bytes, low];
    bytes.push(low | 128);
  }
}

/** @param {number} value @returns {number[]} */
function signed(value) {
  const bytes = [];
  for (let rest = value | 0; ; ) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && low < 64) || (rest === -1 && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

/** @param {ts.Expression} node @returns {ts.Expression} */
function bare(node) {
  return ts.isParenthesizedExpression(node) ? bare(node.expression) : node;
}

class FunctionCompiler {
  /** @type {number[]} */
  code = [];
  /** Local variables of open blocks: what is declared last hides what is declared before. @type {{ name: string, local: number, truth: boolean }[]} */
  #names = [];
  /** Where those of the function begin whose body is compiled, which may be inlined into another. */
  #firstName = 0;
  /** The next free local, and how many there are. */
  #nextLocal = 0;
  #locals = 0;
  /** What is open around the place: targets of `break`, `continue` and of `return` from inlined functions, or none. @type {('break' | 'continue' | 'return' | null)[]} */
  #open = [];
  /** Functions whose bodies are compiled, each inlined into the one before. @type {KernelFunction[]} */
  #inlined = [];

  /** @param {KernelFunction} of @param {number} imported    Functions that are imported. */
  constructor(of, imported) {
    this.of = of;
    this.unit = of.unit;
    this.imported = imported;
  }

  compile() {
    const { parameters, body } = this.of.node;
    for (const parameter of parameters) this.#declare(parameter.name, false);
    if (body === undefined) throw new KernelError(this.of.node, 'no body');
    this.#statement(body);
    if (completes(body)) this.#emit(OP.const, 0, OP.end);
    else this.#emit(OP.unreachable, OP.end);
    const own = this.#locals - parameters.length;
    return [...(own === 0 ? [0] : [1, ...unsigned(own), I32]), ...this.code];
  }

  /** @param {...number} bytes */
  #emit(...bytes) {
    for (const byte of bytes) this.code.push(byte);
  }

  /** @param {number} value */
  #constant(value) {
    this.#emit(OP.const, ...signed(value));
  }

  /** @param {ts.Node} name @param {boolean} truth @returns {number} */
  #declare(name, truth) {
    if (!ts.isIdentifier(name)) throw new KernelError(name, 'no destructuring');
    const local = this.#nextLocal++;
    this.#names.push({ name: name.text, local, truth });
    this.#locals = Math.max(this.#locals, local + 1);
    return local;
  }

  /** @param {string} name */
  #find(name) {
    const at = this.#names.findLastIndex(one => one.name === name);
    return at < this.#firstName ? undefined : this.#names[at];
  }

  /** @param {ts.Expression} node @returns {number | undefined} */
  #fold(node) {
    const value = fold(node, this.unit, name => this.#find(name) !== undefined);
    if (value === undefined || typeof value === 'object') return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw new KernelError(node, 'a constant is an integer');
    return value;
  }

  // --- statements ---------------------------------------------------------------------------------------------------

  /** @param {ts.Statement} node @returns {void} */
  #statement(node) {
    if (ts.isBlock(node))
      return this.#scope(() => {
        for (const one of node.statements) this.#statement(one);
      });
    if (ts.isVariableStatement(node)) return this.#declarations(node.declarationList);
    if (ts.isExpressionStatement(node)) return this.#effect(node.expression);
    if (ts.isIfStatement(node)) return this.#if(node);
    if (ts.isWhileStatement(node)) return this.#loop(node.expression, node.statement);
    if (ts.isForStatement(node))
      return this.#scope(() => {
        if (node.initializer !== undefined) this.#initialize(node.initializer);
        this.#loop(node.condition, node.statement, node.incrementor);
      });
    if (ts.isReturnStatement(node)) {
      if (node.expression === undefined) this.#constant(0);
      else this.#value(node.expression);
      return this.#inlined.length > 0 ? this.#jump('return') : this.#emit(OP.return);
    }
    if (ts.isBreakStatement(node) && node.label === undefined) return this.#jump('break');
    if (ts.isContinueStatement(node) && node.label === undefined) return this.#jump('continue');
    throw new KernelError(node, `no ${SyntaxKind[node.kind]} in a kernel`);
  }

  /** @param {() => void} inside */
  #scope(inside) {
    const [names, local] = [this.#names.length, this.#nextLocal];
    inside();
    this.#names.length = names;
    this.#nextLocal = local;
  }

  /** @param {ts.VariableDeclarationList} list */
  #declarations(list) {
    if ((list.flags & ts.NodeFlags.BlockScoped) === 0) throw new KernelError(list, "no 'var'");
    for (const { name, initializer } of list.declarations) {
      if (initializer === undefined) throw new KernelError(name, 'a variable has a value from the start');
      this.#value(initializer);
      this.#emit(OP.set, ...unsigned(this.#declare(name, this.#isTruth(initializer))));
    }
  }

  /** @param {ts.ForInitializer} node */
  #initialize(node) {
    if (ts.isVariableDeclarationList(node)) this.#declarations(node);
    else this.#effect(node);
  }

  /** @param {ts.IfStatement} node */
  #if({ expression, thenStatement, elseStatement }) {
    this.#condition(expression);
    this.#emit(OP.if, NOTHING);
    this.#open.push(null);
    this.#scope(() => this.#statement(thenStatement));
    if (elseStatement !== undefined) {
      this.#emit(OP.else);
      this.#scope(() => this.#statement(elseStatement));
    }
    this.#close();
  }

  /** @param {ts.Expression | undefined} condition @param {ts.Statement} body @param {ts.Expression} [step] */
  #loop(condition, body, step) {
    this.#emit(OP.block, NOTHING, OP.loop, NOTHING);
    this.#open.push('break', null);
    if (condition !== undefined && condition.kind !== SyntaxKind.TrueKeyword) {
      this.#condition(condition);
      this.#emit(OP.eqz, OP.brIf, 1);
    }
    this.#emit(OP.block, NOTHING);
    this.#open.push('continue');
    this.#scope(() => this.#statement(body));
    this.#close();
    if (step !== undefined) this.#effect(step);
    this.#emit(OP.br, 0);
    this.#close();
    this.#close();
  }

  #close() {
    this.#open.pop();
    this.#emit(OP.end);
  }

  /** @param {'break' | 'continue' | 'return'} to */
  #jump(to) {
    this.#emit(OP.br, ...unsigned(this.#open.length - 1 - this.#open.lastIndexOf(to)));
  }

  /** An expression that stands for itself. @param {ts.Expression} node @returns {void} */
  #effect(node) {
    if (ts.isCallExpression(node)) {
      if (this.#call(node)) this.#emit(OP.drop);
    } else if (ts.isBinaryExpression(node)) this.#assign(node);
    else if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) this.#step(node);
    else throw new KernelError(node, 'a statement is an assignment or a call');
  }

  /** @param {ts.BinaryExpression} node */
  #assign(node) {
    const { left, operatorToken, right } = node;
    const operator = COMPOUND.get(operatorToken.kind);
    if (operator === undefined && operatorToken.kind !== SyntaxKind.EqualsToken)
      throw new KernelError(operatorToken, `no '${operatorToken.getText()}' as a statement`);
    const local = this.#local(left);
    if (operator === undefined) this.#value(right);
    else this.#binary(node, left, operator, right, false);
    this.#emit(OP.set, ...unsigned(local));
  }

  /** `i++` and the like. @param {ts.PostfixUnaryExpression | ts.PrefixUnaryExpression} node */
  #step({ operand, operator }) {
    const up = operator === SyntaxKind.PlusPlusToken;
    if (!up && operator !== SyntaxKind.MinusMinusToken)
      throw new KernelError(operand, 'a statement is an assignment or a call');
    const local = unsigned(this.#local(operand));
    this.#emit(OP.get, ...local, OP.const, 1, up ? OP.add : OP.sub, OP.set, ...local);
  }

  /** @param {ts.Expression} node @returns {number} */
  #local(node) {
    const found = ts.isIdentifier(node) ? this.#find(node.text) : undefined;
    if (found === undefined) throw new KernelError(node, 'only local variables are assigned');
    return found.local;
  }

  // --- expressions --------------------------------------------------------------------------------------------------

  /** Is it true or false, not just any number? @param {ts.Expression} given @returns {boolean} */
  #isTruth(given) {
    const node = bare(given);
    if (ts.isIdentifier(node)) return this.#find(node.text)?.truth ?? false;
    if (ts.isPrefixUnaryExpression(node)) return node.operator === SyntaxKind.ExclamationToken;
    if (node.kind === SyntaxKind.TrueKeyword || node.kind === SyntaxKind.FalseKeyword) return true;
    if (!ts.isBinaryExpression(node)) return false;
    const { kind } = node.operatorToken;
    return COMPARISON.has(kind) || (isLogical(kind) && this.#isTruth(node.left) && this.#isTruth(node.right));
  }

  /** Leaves 0 for what is not so, any other number for what is. @param {ts.Expression} given @returns {void} */
  #condition(given) {
    const node = bare(given);
    if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
      this.#condition(node.operand);
      return this.#emit(OP.eqz);
    }
    if (!ts.isBinaryExpression(node) || !isLogical(node.operatorToken.kind)) return this.#value(node);
    const both = node.operatorToken.kind === SyntaxKind.AmpersandAmpersandToken;
    this.#condition(node.left);
    this.#emit(OP.if, I32);
    if (both) this.#condition(node.right);
    else this.#constant(1);
    this.#emit(OP.else);
    if (both) this.#constant(0);
    else this.#condition(node.right);
    this.#emit(OP.end);
  }

  /** @param {ts.Expression} given @param {boolean} [ofBits]    Are only its low 32 bits used? @returns {void} */
  #value(given, ofBits = false) {
    const node = bare(given);
    const constant = this.#fold(node);
    if (constant !== undefined) {
      if (constant < -0x80000000 || constant > (ofBits ? 0xffffffff : 0x7fffffff))
        throw new KernelError(node, 'not a 32-bit integer');
      return this.#constant(constant);
    }
    if (this.#isTruth(node) && !ts.isIdentifier(node)) return this.#truth(node);
    if (ts.isIdentifier(node)) return this.#variable(node);
    if (ts.isConditionalExpression(node)) return this.#choice(node);
    if (ts.isCallExpression(node)) {
      if (!this.#call(node)) throw new KernelError(node, 'it has no result: not every path returns a value');
      return;
    }
    if (ts.isPrefixUnaryExpression(node)) return this.#unary(node);
    if (ts.isBinaryExpression(node))
      return this.#binary(node, node.left, node.operatorToken.kind, node.right, ofBits);
    if (ts.isPropertyAccessExpression(node))
      throw new KernelError(node, `there is no constant '${node.getText()}'`);
    throw new KernelError(node, `no ${SyntaxKind[node.kind]} in a kernel`);
  }

  /** @param {ts.Expression} node */
  #truth(node) {
    if (node.kind === SyntaxKind.TrueKeyword || node.kind === SyntaxKind.FalseKeyword)
      return this.#constant(node.kind === SyntaxKind.TrueKeyword ? 1 : 0);
    if (!ts.isBinaryExpression(node) || isLogical(node.operatorToken.kind)) return this.#condition(node);
    return this.#binary(node, node.left, node.operatorToken.kind, node.right, false);
  }

  /** @param {ts.Identifier} node */
  #variable(node) {
    const found = this.#find(node.text);
    if (found === undefined) throw new KernelError(node, `there is no number '${node.text}'`);
    this.#emit(OP.get, ...unsigned(found.local));
  }

  /** @param {ts.ConditionalExpression} node */
  #choice({ condition, whenTrue, whenFalse }) {
    this.#condition(condition);
    this.#emit(OP.if, I32);
    this.#value(whenTrue);
    this.#emit(OP.else);
    this.#value(whenFalse);
    this.#emit(OP.end);
  }

  /** @param {ts.PrefixUnaryExpression} node */
  #unary(node) {
    if (node.operator === SyntaxKind.MinusToken) {
      this.#constant(0);
      this.#value(node.operand);
      return this.#emit(OP.sub);
    }
    if (node.operator !== SyntaxKind.TildeToken)
      throw new KernelError(node, `no '${ts.tokenToString(node.operator)}' in an expression`);
    this.#value(node.operand, true);
    this.#constant(-1);
    return this.#emit(OP.xor);
  }

  /**
   * @param {ts.Node} node
   * @param {ts.Expression} left
   * @param {ts.SyntaxKind} operator
   * @param {ts.Expression} right
   * @param {boolean} ofBits
   * @returns {void}
   */
  #binary(node, left, operator, right, ofBits) {
    const comparison = COMPARISON.get(operator);
    if (comparison !== undefined) return this.#compare(node, left, comparison, right);
    const code = BINARY.get(operator);
    if (isLogical(operator))
      throw new KernelError(node, `'${ts.tokenToString(operator)}' of numbers is for conditions`);
    if (code === undefined)
      throw new KernelError(node, `no '${ts.tokenToString(operator) ?? node.getText()}' in a kernel`);
    if (operator === SyntaxKind.GreaterThanGreaterThanGreaterThanToken && !ofBits) {
      const amount = this.#fold(right);
      if (amount === undefined || (amount & 31) === 0)
        throw new KernelError(
          node,
          "the result of '>>>' may exceed 31 bits: shift by a constant of at least 1",
        );
    }
    const taken = OF_BITS.has(operator);
    this.#value(left, taken);
    if (operator === SyntaxKind.BarToken && this.#fold(right) === 0) return;
    this.#value(right, taken);
    this.#emit(code);
  }

  /**
   * @param {ts.Node} node
   * @param {ts.Expression} left
   * @param {readonly number[]} codes
   * @param {ts.Expression} right
   */
  #compare(node, left, [ofSigned = 0, ofUnsigned = 0], right) {
    const sides = [left, right].map(side => ({ side, given: this.#unsignedSide(side) }));
    const isSigned = sides.every(({ given }) => given === undefined);
    for (const { side, given } of sides) {
      const constant = this.#fold(side);
      if (given !== undefined) this.#value(given, true);
      else if (isSigned) this.#value(side);
      else if (constant !== undefined && constant >>> 0 === constant) this.#constant(constant);
      else throw new KernelError(node, "both sides of an unsigned comparison have '>>> 0'");
    }
    return this.#emit(isSigned ? ofSigned : ofUnsigned);
  }

  /** `x` of `x >>> 0`. @param {ts.Expression} given @returns {ts.Expression | undefined} */
  #unsignedSide(given) {
    const node = bare(given);
    const isShift =
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === SyntaxKind.GreaterThanGreaterThanGreaterThanToken;
    return isShift && this.#fold(node.right) === 0 && this.#fold(node.left) === undefined
      ? node.left
      : undefined;
  }

  // --- calls and accesses -------------------------------------------------------------------------------------------

  /** Returns whether there is a result. @param {ts.CallExpression} node @returns {boolean} */
  #call(node) {
    const { expression, arguments: given } = node;
    if (expression.getText() === 'Math.imul') {
      this.#expect(node, 2);
      for (const one of given) this.#value(one, true);
      this.#emit(OP.mul);
      return true;
    }
    const name = ts.isIdentifier(expression) ? expression.text : '';
    const meaning = this.#find(name) === undefined ? this.unit.names.get(name) : undefined;
    if (meaning?.kind === 'access') {
      this.#expect(node, ACCESSES.get(meaning.name) ?? 0);
      return this.#access(meaning.name, given);
    }
    if (meaning?.kind !== 'function')
      throw new KernelError(expression, `there is no function '${expression.getText()}'`);
    this.#expect(node, meaning.of.node.parameters.length);
    if (isSmall(meaning.of) && meaning.of !== this.of && !this.#inlined.includes(meaning.of)) {
      this.#scope(() => this.#inline(meaning.of, given));
      return true;
    }
    for (const one of given) this.#value(one);
    this.#emit(OP.call, ...unsigned(this.imported + meaning.of.index));
    // a function without a result leaves a 0, which nothing may use
    if (!meaning.of.gives) this.#emit(OP.drop);
    return meaning.of.gives;
  }

  /**
   * The body of a function in place of a call, which takes as long as ten instructions. A parameter is the variable of
   * the caller that is its argument, if that does not change meanwhile.
   *
   * @param {KernelFunction} of
   * @param {readonly ts.Expression[]} given
   */
  #inline(of, given) {
    const { parameters, body } = of.node;
    const values = parameters.map(({ name }, at) => this.#argument(of, name.getText(), given[at]));
    const outer = { unit: this.unit, firstName: this.#firstName };
    this.#firstName = this.#names.length;
    this.unit = of.unit;
    this.#inlined.push(of);
    parameters.forEach(({ name }, at) => {
      this.#names.push({ name: name.getText(), local: values[at] ?? 0, truth: false });
    });
    const only = body?.statements.length === 1 ? body.statements[0] : undefined;
    if (only !== undefined && ts.isReturnStatement(only) && only.expression !== undefined)
      this.#value(only.expression);
    else if (body !== undefined) {
      this.#emit(OP.block, I32);
      this.#open.push('return');
      this.#statement(body);
      this.#emit(OP.unreachable);
      this.#close();
    }
    this.#inlined.pop();
    this.unit = outer.unit;
    this.#firstName = outer.firstName;
  }

  /** The local that is a parameter of an inlined function. @param {KernelFunction} of @param {string} name @param {ts.Expression | undefined} given */
  #argument(of, name, given) {
    const known = given !== undefined && ts.isIdentifier(given) ? this.#find(given.text) : undefined;
    if (known !== undefined && !assigns(of.node, name)) return known.local;
    if (given !== undefined) this.#value(given);
    const local = this.#nextLocal++;
    this.#locals = Math.max(this.#locals, this.#nextLocal);
    this.#emit(OP.set, ...unsigned(local));
    return local;
  }

  /** @param {ts.CallExpression} node @param {number} count */
  #expect(node, count) {
    if (node.arguments.length !== count) throw new KernelError(node, `it takes ${count} arguments`);
  }

  /** @param {string} name @param {readonly ts.Expression[]} given @returns {boolean} */
  #access(name, given) {
    const place = PLACES.get(name);
    if (place === undefined) {
      for (const one of given) this.#value(one);
      this.#emit(...(WHOLE.get(name) ?? []));
      return false;
    }
    const [index, value] = given;
    if (index === undefined) return false;
    const offset = this.#address(index, place.shift);
    if (value !== undefined) this.#value(value);
    this.#emit(...place.code, ...unsigned(offset));
    return value === undefined;
  }

  /** Leaves the address of an index without its constant terms, which are returned in bytes. @param {ts.Expression} index @param {number} shift */
  #address(index, shift) {
    const terms = { constant: 0, others: /** @type {ts.Expression[]} */ ([]) };
    this.#collect(index, terms);
    terms.others.forEach((term, at) => {
      this.#value(term);
      if (at > 0) this.#emit(OP.add);
    });
    const offset = terms.constant << shift;
    if (terms.others.length === 0) this.#emit(OP.const, 0);
    else if (shift > 0) this.#emit(OP.const, shift, OP.shl);
    if (offset >= 0) return offset;
    this.#constant(offset);
    this.#emit(OP.add);
    return 0;
  }

  /** @param {ts.Expression} given @param {{ constant: number, others: ts.Expression[] }} terms @returns {void} */
  #collect(given, terms) {
    const node = bare(given);
    const constant = this.#fold(node);
    if (constant !== undefined) {
      terms.constant += constant;
      return;
    }
    const operator = ts.isBinaryExpression(node) ? node.operatorToken.kind : undefined;
    if (ts.isBinaryExpression(node) && operator === SyntaxKind.PlusToken) {
      this.#collect(node.left, terms);
      return this.#collect(node.right, terms);
    }
    const less =
      ts.isBinaryExpression(node) && operator === SyntaxKind.MinusToken ? this.#fold(node.right) : undefined;
    if (ts.isBinaryExpression(node) && less !== undefined) {
      this.#collect(node.left, terms);
      terms.constant -= less;
      return;
    }
    terms.others.push(node);
  }
}

/** @param {ts.SyntaxKind} kind */
function isLogical(kind) {
  return kind === SyntaxKind.AmpersandAmpersandToken || kind === SyntaxKind.BarBarToken;
}

/** Most nodes of the syntax tree that an inlined function has. */
const SMALL = 60;
/** @type {Map<KernelFunction, boolean>} */
const small = new Map();

/** Is a function inlined: few instructions with a result, none repeated? @param {KernelFunction} of */
function isSmall(of) {
  const known = small.get(of) ?? (of.gives && sizeOf(of.node) <= SMALL);
  small.set(of, known);
  return known;
}

/** Nodes of a syntax tree; with a loop more than any number. @param {ts.Node} node @returns {number} */
function sizeOf(node) {
  if (ts.isIterationStatement(node, false)) return Infinity;
  let size = 1;
  ts.forEachChild(node, child => {
    size += sizeOf(child);
  });
  return size;
}

/** Does a function change its parameter of that name? @param {ts.Node} node @param {string} name @returns {boolean} */
function assigns(node, name) {
  const changed =
    ts.isBinaryExpression(node) || ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)
      ? 'left' in node
        ? isAssignment(node.operatorToken.kind) && node.left
        : node.operand
      : undefined;
  if (changed && ts.isIdentifier(changed) && changed.text === name) return true;
  return ts.forEachChild(node, child => assigns(child, name) || undefined) ?? false;
}

/** @param {ts.SyntaxKind} kind */
function isAssignment(kind) {
  return kind === SyntaxKind.EqualsToken || COMPOUND.has(kind);
}

// --- the module -----------------------------------------------------------------------------------------------------

/** @param {readonly (readonly number[])[]} items */
const vector = items => [...unsigned(items.length), ...items.flat()];
/** @param {readonly number[]} bytes */
const sized = bytes => [...unsigned(bytes.length), ...bytes];
/** @param {string} text */
const named = text => sized([...new TextEncoder().encode(text)]);
/** @param {number} id @param {readonly number[]} bytes */
const section = (id, bytes) => [id, ...sized(bytes)];

/**
 * The module's bytes. Throws a `KernelError`, or an `AggregateError` of several: the first of each function.
 *
 * @param {Kernels} kernels
 * @returns {Uint8Array}
 */
export function compileWasm({ functions }) {
  /** @type {KernelError[]} */
  const errors = [];
  const bodies = functions.map(of => {
    try {
      return sized(new FunctionCompiler(of, 1).compile());
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      errors.push(error);
      return [];
    }
  });
  if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'));
  const counts = [...new Set(functions.map(({ node }) => node.parameters.length))].sort((a, b) => a - b);
  /** @param {number} count @param {number[]} results */
  const type = (count, results) => [0x60, ...unsigned(count), ...Array(count).fill(I32), ...sized(results)];
  const exported = callable(functions);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([type(1, []), ...counts.map(count => type(count, [I32]))])),
    ...section(
      2,
      vector([
        [...named('env'), ...named('grow'), 0, 0],
        [...named('env'), ...named('memory'), 2, 0, 1],
      ]),
    ),
    ...section(3, vector(functions.map(({ node }) => [1 + counts.indexOf(node.parameters.length)]))),
    ...section(7, vector(exported.map(of => [...named(of.name), 0, ...unsigned(1 + of.index)]))),
    ...section(10, vector(bodies)),
    ...section(0, [...named('name'), ...section(1, functionNames(functions))]),
  ]);
}

/** For stack traces. @param {readonly KernelFunction[]} functions */
function functionNames(functions) {
  const own = functions.map(of => [...unsigned(1 + of.index), ...named(of.name)]);
  return vector([[0, ...named('grow')], ...own]);
}
