/** Names by which compiled modules and the machine know each other's imports and exports. */

export const ENV_MODULE = 'env';
export const FAULT_IMPORT = 'fault';
export const HELPER_MODULE = 'helper';
export const INVOKE_EXPORT = 'invoke';

/** Export that runs a program: (fuel) → low half of r0. */
export function programExport(position: number): string {
  return `run${position}`;
}
