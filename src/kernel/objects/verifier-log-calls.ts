/**
 * The calls that the verifier was within when it stopped, from the order of its log's lines; apart, because
 * it reads the whole log instead of its end.
 */

const PATH_LIMIT = 16;

/**
 * Instructions of the calls around the last instruction, outermost first. Calls of global functions are not
 * among them.
 */
export function callsOf(lines: readonly string[]): readonly number[] {
  let calls: readonly number[] = [];
  let last = -1;
  const seen = new Map<number, readonly number[]>();
  for (const line of lines) {
    const at = numberBefore(line, ': (');
    if (at !== undefined) {
      last = at;
      seen.set(at, calls);
      // the first path into a callback continues in the line of the call itself: `5: (85) call bpf_loop#181
      // 8: frame1: …`
      if (depthOf(line) > calls.length) calls = [...calls, at].slice(0, PATH_LIMIT);
    } else if (line.startsWith('callee:')) calls = [...calls, last].slice(0, PATH_LIMIT);
    else if (line.startsWith('to caller at ')) calls = calls.slice(0, -1);
    else if (line.startsWith('Validating ')) calls = [];
    else if (line.startsWith('from ')) calls = resumed(line, seen);
  }
  return calls;
}

/**
 * `from 8 to 20: frame1: …`: another path continues at 20; one frame more than 8 had is the call of a
 * callback.
 */
function resumed(line: string, seen: ReadonlyMap<number, readonly number[]>): readonly number[] {
  const origin = numberBefore(line.slice('from '.length), ' to ') ?? -1;
  const before = seen.get(origin) ?? [];
  const depth = depthOf(line);
  return depth > before.length ? [...before, origin] : before.slice(0, depth);
}

/** Depth of the frame that a line shows; 0 when it shows the program's own or none. */
function depthOf(line: string): number {
  const start = line.indexOf(': frame');
  return start < 0 ? 0 : (numberBefore(line.slice(start + ': frame'.length), ':') ?? 0);
}

function numberBefore(line: string, mark: string): number | undefined {
  const end = line.indexOf(mark);
  const digits = line.slice(0, Math.max(end, 0));
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}
