/** Runs and times of programs, which the kernel takes on request. */

import { BPF_ENABLE_STATS, BPF_STATS_RUN_TIME } from '../../uapi/index.ts';
import { bpf, Fd, type Sys, syscallError } from '../sys/index.ts';
import { encodeAttr, StatsAttr } from '../uapi/index.ts';

/**
 * While the descriptor is open, the kernel counts the runs of all programs and takes their time, which costs each run
 * about 20 ns (since Linux 5.8). Needs CAP_SYS_ADMIN; throws `kernel-run-stats`.
 */
export function enableRunStats(sys: Sys): Fd {
  const result = bpf(sys, BPF_ENABLE_STATS, encodeAttr(StatsAttr, { type: BPF_STATS_RUN_TIME }));
  if (result >= 0) return Fd.adopt(sys, result);
  throw syscallError('kernel-run-stats', [], 'counting the runs of programs', result);
}
