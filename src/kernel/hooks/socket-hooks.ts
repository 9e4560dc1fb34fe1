/** Programs on sockets, on groups of sockets that share a port, and on maps of sockets. */

import { BPF_LINK_CREATE, BPF_PROG_ATTACH, BPF_PROG_DETACH, EINVAL } from '../../uapi/index.ts';
import { bpf, encodeU32s, type Sys, syscallError } from '../sys/index.ts';
import { encodeAttr, LinkCreateAttr, ProgAttachAttr } from '../uapi/index.ts';
import { type Attachment, adoptLink } from './attachment.ts';
import { LooseAttachment } from './loose-attachment.ts';

const SOL_SOCKET = 1;
const SO_DETACH_FILTER = 27;
const SO_ATTACH_BPF = 50;
const SO_ATTACH_REUSEPORT_EBPF = 52;
const SO_DETACH_REUSEPORT_BPF = 68;

const OPTIONS = {
  filter: { attach: SO_ATTACH_BPF, detach: SO_DETACH_FILTER, words: 'filter of socket' },
  reuseport: {
    attach: SO_ATTACH_REUSEPORT_EBPF,
    detach: SO_DETACH_REUSEPORT_BPF,
    words: 'port sharing of socket',
  },
} as const;

/**
 * A program on a socket: `filter` for SEC("socket"), `reuseport` for SEC("sk_reuseport"). The socket belongs
 * to the caller; closing it detaches as well. Throws `kernel-attach`.
 */
export function attachSocket(
  sys: Sys,
  programFd: number,
  socket: number,
  kind: keyof typeof OPTIONS = 'filter',
): LooseAttachment {
  const { attach, detach, words } = OPTIONS[kind];
  const place = `${words} ${socket}`;
  const put = (fd: number) => {
    const value = encodeU32s([fd]);
    const result = sys.syscall('setsockopt', socket, SOL_SOCKET, attach, value, value.length);
    if (result < 0) throw syscallError('kernel-attach', [place], 'attaching', result);
  };
  put(programFd);
  return new LooseAttachment(place, {
    detach() {
      const nothing = encodeU32s([0]);
      sys.syscall('setsockopt', socket, SOL_SOCKET, detach, nothing, nothing.length);
    },
    update: put,
    whyNoPin: 'it belongs to the socket: keep the socket open',
  });
}

/**
 * A program on a map of sockets: SEC("sk_msg"), SEC("sk_skb/…"). A link since Linux 6.10; before, the program
 * stays in the map until it is taken out or the map goes. Throws `kernel-attach`.
 */
export function attachSockmap(
  sys: Sys,
  programFd: number,
  mapFd: number,
  attachType: number,
): Attachment | LooseAttachment {
  const place = 'map of sockets';
  const link = { prog_fd: programFd, target_fd: mapFd, attach_type: attachType };
  const result = bpf(sys, BPF_LINK_CREATE, encodeAttr(LinkCreateAttr, link));
  if (result !== -EINVAL) return adoptLink(sys, result, place, () => undefined);
  const put = (command: number, fd: number) =>
    bpf(
      sys,
      command,
      encodeAttr(ProgAttachAttr, { target_fd: mapFd, attach_bpf_fd: fd, attach_type: attachType }),
    );
  const attached = put(BPF_PROG_ATTACH, programFd);
  if (attached < 0) throw syscallError('kernel-attach', [place], 'attaching', attached);
  let current = programFd;
  return new LooseAttachment(place, {
    detach: () => void put(BPF_PROG_DETACH, current),
    update(fd) {
      const updated = put(BPF_PROG_ATTACH, fd);
      if (updated < 0) throw syscallError('kernel-attach', [place], 'replacing the program', updated);
      current = fd;
    },
    whyNoPin: 'pin the map: its programs stay with it; links to maps of sockets need Linux 6.10',
  });
}
