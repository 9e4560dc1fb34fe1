/** What the rules of map definitions need to know of the running kernel and its machine. */

import type { MapMachine } from '../../object/index.ts';
import { cpuLimit, onlineNodes, pageSize, possibleCpus, stackDepth } from '../sys/index.ts';

/** This machine. Throws `kernel-cpus`. */
export function mapMachine(): MapMachine {
  return {
    pageSize: pageSize(),
    cpus: possibleCpus(),
    cpuLimit: cpuLimit(),
    stackDepth: stackDepth(),
    nodes: onlineNodes(),
  };
}
