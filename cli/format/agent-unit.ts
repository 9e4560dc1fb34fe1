/** The systemd unit of the agent of a fleet. */

import { quote, usageError } from '../../src/diag/index.ts';
import { word } from './boot-unit.ts';

/** `command`: words before `agent`; `options`: what the agent is called with. Throws `usage-arguments`. */
export function agentUnit(command: readonly string[], options: readonly string[]): string {
  const words = [...command, 'agent', ...options.filter(one => one !== '--install-unit')];
  const wrong = words.find(text => /\p{C}/u.test(text));
  if (wrong !== undefined)
    throw usageError('usage-arguments', `${quote(wrong)} has characters that a unit of systemd cannot have`);
  return `# Runs on this host what its fleet states. To install:
#   rootlet agent OPTIONS --install-unit > /etc/systemd/system/rootlet-agent.service
#   systemctl daemon-reload && systemctl enable --now rootlet-agent.service
# What the agent attached stays when it stops.

[Unit]
Description=Agent of a fleet of hosts with chains of BPF programs
Documentation=man:bpf(2)
Wants=network-online.target
After=network-online.target sys-fs-bpf.mount systemd-sysctl.service

[Service]
ExecStart=${words.map(word).join(' ')}
Restart=always
RestartSec=5
StateDirectory=rootlet
StateDirectoryMode=0700
UMask=0077
NoNewPrivileges=yes
ProtectHome=read-only
ProtectSystem=strict
ReadWritePaths=/sys/fs/bpf /run
PrivateTmp=yes
CapabilityBoundingSet=CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_SYS_ADMIN
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX

[Install]
WantedBy=multi-user.target
`;
}
