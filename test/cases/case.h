/* SPDX-License-Identifier: MIT */
/* What all cases include: programs are classifiers, which may return any number. */
#ifndef CASE_H
#define CASE_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define PROGRAM SEC("tc") int
#define CONTEXT struct __sk_buff *ctx
#define LICENSE(text) char _license[] SEC("license") = text

/* Makes the compiler forget what it knows of a value. */
#define HIDE(value) asm volatile("" : "+r"(value))

#endif
