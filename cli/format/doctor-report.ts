/** Findings about a machine as a list in green and red. */

import type { ChainTrouble } from '../../src/chain/index.ts';
import { joinBlocks, joinLines, type Lines, line, marked } from '../../src/diag/index.ts';
import type { DoctorReport, Finding } from '../../src/kernel/index.ts';

const MARKS = { ok: '✓', missing: '✗', unknown: '?' } as const;
const COLORS = { ok: 32, missing: 31, unknown: 33 } as const;

const SECTIONS: readonly (readonly [
  title: string,
  key: 'features' | 'programTypes' | 'mapTypes' | 'attachments',
])[] = [
  ['features', 'features'],
  ['program types', 'programTypes'],
  ['map types', 'mapTypes'],
  ['attachments', 'attachments'],
];

/** `all` lists what is there too, in sections where everything usually is. */
export function formatReport(report: DoctorReport, all: boolean, color: boolean): Lines {
  const lines = (findings: readonly Finding[]): Lines[] =>
    findings.flatMap(finding => formatFinding(finding, color));
  const sections = SECTIONS.flatMap(([title, key]) => {
    const findings = report[key];
    const there = findings.filter(({ state }) => state === 'ok').length;
    const shown = all ? findings : findings.filter(({ state }) => state !== 'ok');
    return [line(''), line(`${title}: ${there} of ${findings.length}`), ...lines(merged(shown, all))];
  });
  const head = `Linux ${report.kernel} on ${report.architecture}`;
  return joinBlocks([line(head), line(''), ...lines(report.environment), ...sections]);
}

/** Many that could not be probed one reason: the reason once. */
const MANY = 4;

function merged(findings: readonly Finding[], all: boolean): readonly Finding[] {
  const [first] = findings.filter(({ state }) => state === 'unknown');
  const same = findings.filter(({ state, detail }) => state === 'unknown' && detail === first?.detail);
  if (all || first === undefined || same.length < MANY) return findings;
  const { fix: _other, ...reason } = first;
  const one = { ...reason, title: `${same.length} could not be probed` };
  return [...findings.filter(found => !same.includes(found)), one];
}

function formatFinding({ title, state, detail, fix }: Finding, color: boolean): Lines[] {
  const text = `${title}${detail === '' ? '' : `: ${detail}`}`;
  const head = marked(MARKS[state], color ? COLORS[state] : null, text);
  return fix === undefined || state === 'ok' ? [head] : [head, line(`      ${fix}`)];
}

/** What is wrong with chains, and what was or will be done about it. */
export function formatTroubles({
  unknown,
  repaired,
  troubles,
}: {
  readonly unknown: string | null;
  readonly repaired: readonly ChainTrouble[];
  readonly troubles: readonly ChainTrouble[];
}): Lines {
  if (unknown !== null) return joinLines(['chains: not known', `  ? ${unknown}`]);
  const done = repaired.flatMap(({ name, detail, fix }) => [
    `  ✓ repaired: ${name}: ${detail}`,
    `      done: ${fix}`,
  ]);
  const open = troubles.flatMap(({ name, detail, fix, repairs }) => {
    const who = repairs ? '--fix will do' : 'to do';
    return [`  ✗ ${name}: ${detail}`, `      ${who}: ${fix}`];
  });
  return joinLines([headOfTroubles(repaired.length, troubles.length), ...done, ...open]);
}

/** `chains: 2 repaired, nothing left to repair`. */
function headOfTroubles(repaired: number, left: number): string {
  const rest = left === 0 ? 'nothing' : String(left);
  if (repaired === 0) return `chains: ${rest} to repair`;
  return `chains: ${repaired} repaired, ${rest} left to repair`;
}
