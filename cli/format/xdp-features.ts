/** What a driver can do with XDP, as `xdp-loader features` prints it, and what that does not print. */

import { joinLines, type Lines } from '../../src/diag/index.ts';
import type { InterfaceFacts, XdpFeatures } from '../../src/kernel/index.ts';

export function formatFeatures({ features, metadata, zeroCopySegments }: XdpFeatures): Lines {
  const rows = [
    ...Object.entries(features).map(([name, has]) => [name, has ? 'yes' : 'no']),
    ...(metadata === null ? [] : [['metadata', namesIn(metadata)]]),
    ...(zeroCopySegments === null ? [] : [['zero-copy segments', String(zeroCopySegments)]]),
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length)) + 2;
  return joinLines(rows.map(([name, value]) => `${name}:`.padEnd(width) + value));
}

/** Names of kfuncs that are implemented. */
function namesIn(metadata: Readonly<Record<string, boolean>>): string {
  const names = Object.entries(metadata).flatMap(([name, has]) => (has ? [name] : []));
  return names.length === 0 ? 'none' : names.join(', ');
}

export function featuresJson(
  { name, index, kind, mtu }: InterfaceFacts,
  { features, metadata, zeroCopySegments }: XdpFeatures,
): Record<string, unknown> {
  return { interface: name, ifindex: index, kind, mtu, features, metadata, zeroCopySegments };
}
