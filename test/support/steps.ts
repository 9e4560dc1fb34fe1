/**
 * Which steps of a command are killed, or fail, in one run of the tests. Each costs a process or two, so that a run takes
 * every Nth one; where it begins moves on every day, and after N days each step has been the last one. A failure names
 * its step, and `ROOTLET_TEST_FIRST_STEP=N` begins with it, on any day. `ROOTLET_TEST_ALL_STEPS=1` takes all.
 */

const { CI, ROOTLET_TEST_ALL_STEPS, ROOTLET_TEST_FIRST_STEP } = process.env;
const DAY_MS = 86_400_000;

export interface Steps {
  readonly first: number;
  readonly stride: number;
  /** Each step is taken. */
  readonly all: boolean;
}

/** `inCi`, `elsewhere`: of how many steps one is taken. */
export function stepsOfToday(inCi: number, elsewhere: number, now = Date.now()): Steps {
  if (ROOTLET_TEST_ALL_STEPS === '1') return { first: 1, stride: 1, all: true };
  const stride = CI === 'true' ? inCi : elsewhere;
  const today = 1 + (Math.floor(now / DAY_MS) % stride);
  return { first: Number(ROOTLET_TEST_FIRST_STEP ?? today), stride, all: false };
}
