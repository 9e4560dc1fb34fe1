/**
 * What tests import as `vitest` inside the virtual machine: its own runner and matchers, without everything around them.
 * Vitest proper needs one and a half minutes there to start (it transforms sources while the processor is emulated).
 */

import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  type ExpectStatic,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import { getCurrentTest } from '@vitest/runner';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from '@vitest/runner';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

function makeExpect(): ExpectStatic {
  const check = (value: unknown, message?: string) => chai.expect(value, message);
  // chai's function with the statics that vitest's plugins look up
  const made = Object.assign(check, chai.expect) as unknown as ExpectStatic;
  Object.assign(made, Object.getOwnPropertyDescriptor(globalThis, ASYMMETRIC_MATCHERS_OBJECT)?.value);
  Reflect.set(globalThis, GLOBAL_EXPECT, made);
  setState({ ...getState(made), assertionCalls: 0, isExpectingAssertions: false }, made);
  return made;
}

export const expect: ExpectStatic = makeExpect();

/** What part-skips are recorded with. */
export const TestRunner = { getCurrentTest };
