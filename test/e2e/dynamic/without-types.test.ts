/** Dynamic linking where one side has no types: code is copied, and notes report what could not be compared. */

import { describe, expect, test } from 'vitest';
import { RootletError } from '../../../src/diag/problem.ts';
import type { BindingBackEnd } from '../../../src/dynamic/bind/bindings.ts';
import { load } from '../../../src/dynamic/bind/load.ts';
import { needs } from '../../support/needs.ts';
import { stripped } from '../../support/without-types.ts';
import { compileAll, HEAD, kernel } from '../slots/support.ts';

const SOURCES = {
  provider: `${HEAD} int value = 5; __noinline int foo(struct xdp_md *ctx) { value++; return ctx ? 2 : 0; }`,
  consumer: `${HEAD} extern int value; extern int foo(struct xdp_md *ctx);
SEC("xdp") int prog(struct xdp_md *ctx) { return foo(ctx) + value; }`,
};
const PACKET = new Uint8Array(64);

needs('bpf', 'clang').describe('dynamic linking without types', () => {
  const typed = compileAll(SOURCES);
  const bare = { provider: stripped(typed.provider), consumer: stripped(typed.consumer) };
  const whole = 'consumer.o has no BTF for "foo", "value": it could not be checked whether provider agrees';
  const half = 'provider has no BTF for "foo", "value": it could not be checked whether consumer.o agrees';

  describe.each([
    ['consumer', typed.provider, bare.consumer, whole, 'consumer.o'],
    ['provider', bare.provider, typed.consumer, half, 'provider.o'],
    ['consumer and provider', bare.provider, bare.consumer, half, 'provider.o'],
  ] as const)('%s', (_, provider, consumer, note, lacking) => {
    test('is bound by copy, with a note', () => {
      using first = load([provider], { sys: kernel, name: 'provider' });
      using second = load([consumer], { sys: kernel, against: [first] });
      expect(second.bindings.map(({ via }) => via)).toEqual(['copy', 'share']);
      expect(second.loaded.notes).toEqual([note]);
      expect(second.loaded.testRun('prog', PACKET).verdict).toBe(8);
      expect(second.loaded.testRun('prog', PACKET).verdict).toBe(9); // the variable stays
    });

    test.each<BindingBackEnd>(['ext', 'tail'])('%s names the file without types', via => {
      using first = load([provider], { sys: kernel, name: 'provider' });
      const attempt = () => load([consumer], { sys: kernel, against: [first], via });
      expect(attempt).toThrow(RootletError);
      expect(attempt).toThrow(
        `"foo" cannot be bound by "${via}": ${lacking} has no BTF for "foo" (compile with -g)`,
      );
    });
  });

  test('with types on both sides there is nothing to report', () => {
    using first = load([typed.provider], { sys: kernel, name: 'provider' });
    using second = load([typed.consumer], { sys: kernel, against: [first], via: 'copy' });
    expect(second.loaded.notes).toEqual([]);
  });
});
