/** What the optimizer did, as text: for `--report-inlining`, the link map and the normal output. */

import { counted, joinBlocks, type Lines, line } from '../../src/diag/index.ts';
import type { OptimizeReport, ProgramOptimization } from '../../src/link/index.ts';
import { table } from './table.ts';

/** The whole report: for each program what is inlined and what is not. */
export function formatOptimization(report: OptimizeReport): Lines {
  const lines = [
    line(`optimization: --inline ${report.inline}`),
    ...report.programs.map(formatProgram),
    ...(report.removed.length === 0 ? [] : [goneText(report)]),
  ];
  return joinBlocks(lines);
}

function formatProgram(program: ProgramOptimization): Lines {
  if (program.refused !== null) return line(`  ${program.program}: not optimized: ${program.refused}`);
  const { insns, stack, shared, decided, spilled, inline, stepped } = program;
  const head =
    `  ${program.program}: ${insns.before} -> ${insns.after} insns, ` +
    `${stack.before} -> ${stack.after} bytes of stack, ${counted(shared, 'shared value')}, ` +
    `${decided} decided ${decided === 1 ? 'branch' : 'branches'}, ${counted(spilled, 'spilled register')}`;
  const calls = [
    ...program.inlined.map(call => ['inlined', call.function, `into ${call.caller}`]),
    ...program.kept.map(call => ['kept', call.function, `in ${call.caller}: ${call.reason}`]),
  ];
  const less = stepped === null ? [] : [line(`    --inline ${inline}: ${stepped}`)];
  return joinBlocks([line(head), ...less, ...(calls.length === 0 ? [] : [table(calls, '    ')])]);
}

/** What a dry run of a load reports: a line for each program, with the step that would be tried first. */
export function formatOutlook({ inline, programs }: OptimizeReport): Lines[] {
  const rows = programs.map(({ program, refused, insns, inlined }) => {
    if (refused !== null) return [program, 'as it is', refused];
    const names = [...new Set(inlined.map(call => call.function))];
    const size = `${insns.before} -> ${insns.after} insns`;
    return [program, size, names.length === 0 ? 'nothing to inline' : `inlined: ${names.join(', ')}`];
  });
  if (rows.length === 0) return [];
  return [
    line(`optimized at first with --inline ${inline}, with less where the verifier refuses it:`),
    table(rows, '  '),
  ];
}

/** The whole report if it is wanted, else one line. */
export function formatOutcome(
  report: OptimizeReport,
  { reportInlining }: { readonly reportInlining: boolean },
): Lines {
  return reportInlining ? formatOptimization(report) : summarizeOptimization(report);
}

/** One line: how much code there is now, and what nothing can attach to any more. */
function summarizeOptimization(report: OptimizeReport): Lines {
  const done = report.programs.filter(({ refused }) => refused === null);
  if (done.length === 0) return line('optimized: nothing');
  const [before, after] = [sumOf(done, 'before'), sumOf(done, 'after')];
  const gone = report.removed.length === 0 ? '' : `; ${goneText(report)}`;
  return line(`optimized: ${before} -> ${after} insns${gone}`);
}

function sumOf(programs: readonly ProgramOptimization[], when: 'before' | 'after'): number {
  return programs.reduce((sum, { insns }) => sum + insns[when], 0);
}

/** Names that fit into one line. */
const SHOWN = 4;

function goneText({ removed }: OptimizeReport): Lines {
  const rest = removed.length > SHOWN ? `, and ${removed.length - SHOWN} more` : '';
  const names = `${removed.slice(0, SHOWN).join(', ')}${rest}`;
  return line(
    `inlined and removed, so that nothing can attach to or replace them: ${names} (--no-inline NAME keeps one)`,
  );
}
