/** The systemd unit that applies a file at boot. */

import { quote, usageError } from '../../src/diag/index.ts';

export interface BootUnit {
  /** Words of the command. */
  readonly command: readonly string[];
  /** Absolute. */
  readonly file: string;
  /** Seconds to wait for interfaces. Default 30. */
  readonly wait?: number | undefined;
}

const DEFAULT_WAIT = 30;
/** Loading large programs takes its time. */
const PATIENCE = 60;

/** Throws `usage-arguments` for paths that a unit cannot name. */
export function bootUnit({ command, file, wait = DEFAULT_WAIT }: BootUnit): string {
  const wrong = [...command, file].find(text => /\p{C}/u.test(text));
  if (wrong !== undefined)
    throw usageError('usage-arguments', `${quote(wrong)} has characters that a unit of systemd cannot have`);
  const start = [...command, 'apply', '-f', file, '--wait', String(wait)].map(word).join(' ');
  return `# Applies ${file} at boot, after which nothing keeps running. To install:
#   rootlet apply -f FILE --install-unit > /etc/systemd/system/rootlet-apply.service
#   systemctl daemon-reload && systemctl enable --now rootlet-apply.service
# After an edit of the file: systemctl reload rootlet-apply.service

[Unit]
Description=Chains of BPF programs on network interfaces
Documentation=man:bpf(2)
ConditionPathExists=${specified(file)}
RequiresMountsFor=${quoted(specified(file))}
Wants=network-pre.target
After=network-pre.target sys-fs-bpf.mount systemd-udevd.service systemd-sysctl.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${start}
ExecReload=${start}
TimeoutStartSec=${wait + PATIENCE}

[Install]
WantedBy=multi-user.target
`;
}

/** A word of a command line in a unit, where $ begins a variable. */
export function word(text: string): string {
  return quoted(specified(text).replaceAll('$', '$$$$'));
}

/** % begins a specifier in every setting. */
function specified(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word of a setting that takes several. */
function quoted(text: string): string {
  if (/^[\w@%+=:,./$-]+$/.test(text)) return text;
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
