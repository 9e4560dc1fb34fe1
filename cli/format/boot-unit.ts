/** The systemd unit that applies a file at boot. */

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

export function bootUnit({ command, file, wait = DEFAULT_WAIT }: BootUnit): string {
  const start = [...command, 'apply', '-f', file, '--wait', String(wait)].map(word).join(' ');
  return `# Applies ${file.replaceAll('\n', ' ')} at boot, after which nothing keeps running. To install:
#   rootlet apply -f FILE --install-unit > /etc/systemd/system/rootlet-apply.service
#   systemctl daemon-reload && systemctl enable --now rootlet-apply.service
# After an edit of the file: systemctl reload rootlet-apply.service

[Unit]
Description=Chains of BPF programs on network interfaces
Documentation=man:bpf(2)
ConditionPathExists=${path(file)}
RequiresMountsFor=${path(file)}
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

/** A word of a command line in a unit: % begins a specifier, $ a variable. */
function word(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** A path in another setting than a command line. */
function path(text: string): string {
  const escaped = text.replaceAll('%', '%%');
  return /^[^\s"'\\]+$/.test(escaped)
    ? escaped
    : `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
