/**
 * Types of events and the requests on their descriptors.
 *
 * Source: include/uapi/linux/perf_event.h, Linux 6.18.
 */

/** enum perf_type_id. */
export const PERF_TYPE_HARDWARE = 0;
export const PERF_TYPE_SOFTWARE = 1;
export const PERF_TYPE_TRACEPOINT = 2;

/** Requests of ioctl(2). */
export const PERF_EVENT_IOC_ENABLE = 0x2400;
export const PERF_EVENT_IOC_DISABLE = 0x2401;
export const PERF_EVENT_IOC_SET_BPF = 0x40042408;

/** Flags of perf_event_open(2). */
export const PERF_FLAG_FD_CLOEXEC = 8;
