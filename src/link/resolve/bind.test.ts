import { describe, expect, test } from 'vitest';
import { archiveOf, memberOf } from '../../../test/support/archives.ts';
import { objectOf } from '../../../test/support/objects.ts';
import { BtfBuilder } from '../../btf/model/builder.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { type LinkOptions, link } from '../link.ts';

const user = objectOf('user.o', [
  { name: 'prog', kind: 'function', section: 'xdp', calls: ['foo'] },
  { name: 'foo', kind: 'extern function' },
]);
const first = objectOf('first.o', [{ name: 'bar', kind: 'function', value: 1 }]);
const second = objectOf('second.o', [
  { name: 'foo', kind: 'function', value: 2 },
  { name: 'hidden', kind: 'function', binding: 'local' },
]);
const FOO_IS_BAR = { consumer: 'user.o', extern: 'foo', provider: 'first.o', target: 'bar' };

/** What `prog` calls, or the codes of the problems. */
function callee(inputs: readonly BpfObject[], options: LinkOptions): string | undefined {
  const result = link(inputs, options);
  if (!result.ok) return result.problems.map(problem => problem.code).join(' ');
  const object = readObject({ name: 'linked.o', bytes: writeObject(result.object) });
  const prog = object.symbols.find(symbol => symbol.name === 'prog');
  return prog?.kind === 'function' ? object.symbols[prog.references[0]?.symbol ?? -1]?.name : undefined;
}

/** The object with `rootlet:bind=TEXT` on its extern. */
function tagged(object: BpfObject, text: string): BpfObject {
  const extern = object.symbols.find(symbol => symbol.kind === 'extern');
  if (object.btf === null || extern === undefined) throw new Error('no extern');
  const btf = new BtfBuilder(object.btf);
  btf.add({
    kind: 'decl_tag',
    name: `rootlet:bind=${text}`,
    type: extern.btfId,
    component: -1,
    attribute: false,
  });
  return { ...object, btf: btf.build() };
}

describe('an extern bound explicitly in a link', () => {
  test('means what it is bound to, though another input defines its name', () => {
    expect(callee([user, first, second], {})).toBe('foo');
    expect(callee([user, first, second], { bind: [FOO_IS_BAR] })).toBe('bar');
    expect(callee([second, first, user], { bind: [FOO_IS_BAR] })).toBe('bar');
  });

  test('by a declaration tag; what the caller says comes first', () => {
    const inputs = [tagged(user, 'first.o:bar'), first, second];
    expect(callee(inputs, {})).toBe('bar');
    expect(callee(inputs, { bind: [{ ...FOO_IS_BAR, provider: 'second.o', target: 'foo' }] })).toBe('foo');
  });

  test('takes no member of an archive for its own name', () => {
    const library = { name: 'lib.a', bytes: archiveOf([memberOf(second)]) };
    const result = link([user, first, library], { bind: [FOO_IS_BAR] });
    expect(result.ok && result.pulled).toEqual([]);
  });

  test('by a tag stays open in a partial link that does not have the other object, and is bound later', () => {
    const partial = link([tagged(user, 'first.o:bar')], { partial: true });
    if (!partial.ok) throw new Error(partial.problems.map(problem => problem.message).join());
    const again = readObject({ name: 'partial.o', bytes: writeObject(partial.object) });
    expect(callee([again, first], {})).toBe('bar');
    expect(callee([again, second], {})).toBe('link-no-input');
  });

  test.each([
    ['a static', { target: 'hidden', provider: 'second.o' }, 'link-bind-static'],
    ['nothing of that name', { target: 'baz', provider: 'first.o' }, 'link-bind-target'],
    ['a static, without its file', { target: 'hidden', provider: undefined }, 'link-bind-target'],
    ['an input that is not there', { target: 'bar', provider: 'third.o' }, 'link-no-input'],
    ['an extern that is not there', { extern: 'fo' }, 'link-bind-extern'],
  ])('%s', (_, changes, code) => {
    const { provider, ...request } = { ...FOO_IS_BAR, ...changes };
    const bind = [provider === undefined ? request : { ...request, provider }];
    expect(callee([user, first, second], { bind })).toBe(code);
  });
});
