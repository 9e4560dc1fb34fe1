/**
 * What programs return, by the enumerations of linux/bpf.h, linux/pkt_cls.h and linux/netfilter.h. What they
 * mean for each program type, and words for them, are in src/object/verdicts.ts.
 */

/** enum xdp_action. */
export const XDP_ABORTED = 0;
export const XDP_DROP = 1;
export const XDP_PASS = 2;
export const XDP_TX = 3;
export const XDP_REDIRECT = 4;

/**
 * TC_ACT_*; enum tcx_action_base has the same numbers for NEXT (UNSPEC), PASS (OK), DROP (SHOT) and REDIRECT.
 */
export const TC_ACT_UNSPEC = -1;
export const TC_ACT_OK = 0;
export const TC_ACT_RECLASSIFY = 1;
export const TC_ACT_SHOT = 2;
export const TC_ACT_PIPE = 3;
export const TC_ACT_STOLEN = 4;
export const TC_ACT_QUEUED = 5;
export const TC_ACT_REPEAT = 6;
export const TC_ACT_REDIRECT = 7;
export const TC_ACT_TRAP = 8;

/** enum bpf_ret_code, for lightweight tunnels and flow dissectors. */
export const BPF_OK = 0;
export const BPF_DROP = 2;
export const BPF_REDIRECT = 7;
export const BPF_LWT_REROUTE = 128;
/** The kernel's own dissector takes over. */
export const BPF_FLOW_DISSECTOR_CONTINUE = 129;

/** enum sk_action. */
export const SK_DROP = 0;
export const SK_PASS = 1;

/** Verdicts of netfilter that programs may return. */
export const NF_DROP = 0;
export const NF_ACCEPT = 1;
