/**
 * LINUX_VERSION_CODE of the running kernel.
 *
 * Debian and Ubuntu keep the release name of the first kernel of a series; the real patch level is in the
 * version text
 * (Debian: `#1 SMP Debian 6.1.140-1 (…)`) or in /proc/version_signature (Ubuntu: `Ubuntu 5.15.0-1.2-generic
 * 5.15.3`).
 */

import { elementAt } from '../../bytes/index.ts';
/**
 * `release` and `version` as uname(2) gives them; `signature` is the text of /proc/version_signature or ''.
 */
export function kernelVersionCode(release: string, version: string, signature: string): number {
  const ubuntu = signature.trim().split(/\s+/)[2];
  const debian = textAfter(version, 'Debian ');
  for (const candidate of [ubuntu, debian, release]) {
    const code = candidate === undefined ? undefined : codeOf(candidate);
    if (code !== undefined) return code;
  }
  return 0;
}

function textAfter(text: string, marker: string): string | undefined {
  const at = text.indexOf(marker);
  return at < 0 ? undefined : text.slice(at + marker.length);
}

/** KERNEL_VERSION of a text that starts with three numbers; the last one counts up to 255. */
function codeOf(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,5})/.exec(text);
  if (match === null) return undefined;
  const part = (group: number) => Number(elementAt(match, group));
  return part(1) * 65536 + part(2) * 256 + Math.min(part(3), 255);
}
