/**
 * Whether a stream shows colours: on a terminal that has them, unless the user refuses them. `NO_COLOR` and `FORCE_COLOR`
 * are those of no-color.org and of Node.
 */

import { isatty } from 'node:tty';

const FDS = { stdout: 1, stderr: 2 } as const;

export function showsColour(
  stream: keyof typeof FDS,
  env: Readonly<Record<string, string | undefined>> = process.env,
  isTerminal: (fd: number) => boolean = isatty,
): boolean {
  const { NO_COLOR: refused, FORCE_COLOR: forced, TERM: terminal } = env;
  if (refused !== undefined && refused !== '') return false;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return terminal !== 'dumb' && isTerminal(FDS[stream]);
}
