/** Width of a page: that of the terminal, as far as lines stay easy to read. */

import { isatty, WriteStream } from 'node:tty';
import type { Context } from '../io/context.ts';

const DEFAULT = 80;
const NARROWEST = 40;
const WIDEST = 120;

export function pageWidth({ process }: Context): number {
  const { COLUMNS: stated } = process.env ?? {};
  const width = stated === undefined ? terminalWidth() : Number(stated);
  if (!Number.isInteger(width)) return DEFAULT;
  return Math.min(WIDEST, Math.max(NARROWEST, width));
}

function terminalWidth(): number {
  return isatty(1) ? new WriteStream(1).columns : DEFAULT;
}
