/**
 * The table of commands for help: the group of each, three or more command lines that show its use, and the documentation
 * that explains it. What options there are comes from the parser.
 */

export const GROUPS = ['Objects', 'Kernel', 'Chains', 'Look', 'Edit', 'Help'] as const;

export type Group = (typeof GROUPS)[number];

export interface Example {
  /** What follows `rootlet`. */
  readonly line: string;
  readonly text: string;
}

export interface Topic {
  /** What follows the options, where the parser's own arguments do not show it. */
  readonly usage?: string;
  /** Of commands outside of groups of commands. */
  readonly group?: Group;
  readonly examples: readonly Example[];
  readonly docs: readonly string[];
}

const RUNS = 'docs/loading.md';
const CHAINS = 'docs/chains.md';
const LOOKING = 'docs/looking.md';
const COUNTERS = 'docs/counters.md';
const DECLARED = 'docs/declared.md';
const FLEET = 'docs/fleet.md';

/** Pairs of a command line and what it does. */
function examples(...pairs: readonly (readonly [line: string, text: string])[]): Example[] {
  return pairs.map(([line, text]) => ({ line, text }));
}

const TOPICS: Readonly<Record<string, Topic>> = {
  inspect: {
    group: 'Objects',
    examples: examples(
      ['inspect firewall.o', 'List programs, functions, maps, variables and externs'],
      ['inspect --disasm firewall.o', 'Disassemble, with the lines of the source'],
      ['inspect --btf firewall.o', 'Print all types as C'],
      ['inspect firewall.o --graph calls.svg', 'Draw the call graph'],
      ['inspect firewall.o --graph flow.svg --function parse', 'Draw the blocks of a function'],
    ),
    docs: ['docs/linking.md', 'docs/pictures.md'],
  },
  link: {
    group: 'Objects',
    examples: examples(
      ['link first.o second.o -o all.o', 'Resolve externs of each file in the other'],
      ['link main.o -L lib -l filters -o all.o', 'Link the members of lib/libfilters.a that are needed'],
      ['link a.o b.o --bind a.o:foo=b.o:foo_v2 -o all.o', 'State which definition an extern gets'],
      ['link a.o b.o --gc-sections --print-gc-sections -o all.o', 'Discard what no program needs'],
      ['link a.o b.o -o all.o --graph link.svg', 'Draw which file gave what'],
    ),
    docs: ['docs/linking.md', 'docs/optimizer.md', 'docs/pictures.md'],
  },
  relink: {
    group: 'Objects',
    examples: examples(
      ['relink rootlet.o slot1=a.o:xdp_prog1 slot2=b.o -o out.o', 'Fill slots by name'],
      ['relink rootlet.o --order b.o,a.o -o out.o', 'Fill slots in order'],
      ['relink --chain first.o second.o -o chain.o', 'Run two firewalls one after the other'],
      ['relink --chain a.o b.o --share blocked -o chain.o', 'Let both use one map'],
    ),
    docs: ['docs/relinking.md', 'docs/optimizer.md', 'docs/pictures.md'],
  },
  run: {
    group: 'Objects',
    examples: examples(
      ['run firewall.o --pcap traffic.pcap', 'Print the verdict of each packet'],
      ['run firewall.o --pcap traffic.pcap --out passed.pcap --maps', 'Keep what passed; print the maps'],
      ['run firewall.o --pcap traffic.pcap --kernel', 'Run in the kernel, as root'],
      ['run firewall.o --pcap traffic.pcap --coverage lcov.info', 'Write which lines of the C source ran'],
    ),
    docs: ['docs/machine.md'],
  },
  test: {
    group: 'Objects',
    examples: examples(
      ['test', 'Run the tests below this directory'],
      ['test tests/firewall.bpf.test.js', 'Run one file'],
      ['test --coverage lcov.info', 'Write which lines of the C source ran'],
    ),
    docs: ['docs/testing-bpf.md'],
  },
  types: {
    group: 'Objects',
    examples: examples(
      ['types firewall.o -o firewall.d.ts', 'Write its types'],
      ["types firewall.o --record events='struct event'", 'State what the records of a ring buffer are'],
      ['types firewall.o --json', 'The same for programs'],
    ),
    docs: ['docs/types.md'],
  },
  load: {
    group: 'Kernel',
    examples: examples(
      ['load first.o', 'Load an object under the name "first"'],
      ['load second.o --explain', 'Bind its externs to loaded objects, and print how'],
      ['load probes.o --set limit=100 --max-entries flows=65536', 'Set a variable and the size of a map'],
      ['load probes.o --dry-run', 'Print what would be created'],
    ),
    docs: [RUNS, 'docs/dynamic.md'],
  },
  unload: {
    group: 'Kernel',
    examples: examples(
      ['unload first', 'Unload an object that no other uses'],
      ['unload second first', 'Unload a consumer and its provider'],
      ['unload --force first', 'Unload although its record cannot be read'],
    ),
    docs: [RUNS],
  },
  attach: {
    group: 'Kernel',
    examples: examples(
      ['attach xdp eth0 firewall.o --name edge', 'Attach the only XDP program of the file'],
      ['attach tcx eth0 shape.o:limit --egress', 'Attach one of its programs to outgoing packets'],
      ['attach kprobe do_unlinkat probe.o', 'Attach a probe to a function of the kernel'],
      ['attach xdp eth0 rootlet.o --slots static', 'Select the back end that fills the slots'],
    ),
    docs: [RUNS, 'docs/relinking.md'],
  },
  detach: {
    group: 'Kernel',
    examples: examples(
      ['detach edge', 'Detach a program and unload it'],
      ['detach edge probe', 'Detach several'],
      ['detach --force edge', 'Remove the entry although its hook cannot be reached'],
    ),
    docs: [RUNS],
  },
  replace: {
    group: 'Kernel',
    examples: examples(
      ['replace edge firewall.o', 'A new version takes over; maps and variables stay'],
      ['replace edge slot1=a.o:xdp_prog1', 'Fill a slot of a rootlet while packets pass'],
      ['replace edge --order second.o,first.o', 'Fill the slots in another order'],
      ['replace edge --set limit=100', 'Change a variable of what runs'],
      ['replace edge firewall.o --dry-run', 'Print what would happen to maps and variables'],
    ),
    docs: ['docs/relinking.md', 'docs/dynamic.md', RUNS],
  },
  xdp: {
    group: 'Chains',
    examples: examples(
      ['xdp load eth0 a.o b.o', 'Run two XDP programs on an interface'],
      ['xdp status', 'List the programs on all interfaces, in order'],
      ['xdp unload eth0 --all', 'Remove the chain'],
    ),
    docs: [CHAINS, 'docs/moving-from-xdp-loader.md'],
  },
  tc: {
    group: 'Chains',
    examples: examples(
      ['tc load eth0 a.o b.o', 'Run two TC programs on incoming packets'],
      ['tc status', 'List the programs on all interfaces, in order'],
      ['tc unload eth0 --all', 'Remove the chain'],
    ),
    docs: [CHAINS],
  },
  plan: {
    group: 'Chains',
    examples: examples(
      ['plan -f chain.yaml', 'Print what would change'],
      ['plan -f chain.yaml --simulate traffic.pcap', 'Print which verdicts would change'],
      ['plan -f chain.yaml --prune', 'Include chains that no document names'],
    ),
    docs: [DECLARED],
  },
  apply: {
    group: 'Chains',
    examples: examples(
      ['apply -f chain.yaml', 'Make the chains what the document declares'],
      ['apply -f chain.yaml --dry-run', 'Print what would be done'],
      ['apply -f chain.yaml --install-unit', 'Print a systemd unit that does it at boot'],
    ),
    docs: [DECLARED],
  },
  export: {
    group: 'Chains',
    examples: examples(
      ['export eth0', 'Print a document that declares what runs'],
      ['export eth0 eth1 -o chain.yaml', 'Write one for two interfaces'],
      ['export eth0 --objects objects -o chain.yaml', 'Write objects whose files have changed, too'],
    ),
    docs: [DECLARED],
  },
  fleet: {
    group: 'Chains',
    examples: examples(
      ['fleet put -f chain.yaml', 'Write a new revision'],
      ['fleet rollout', 'Give it to hosts in waves'],
      ['fleet status', 'Show what each host runs'],
    ),
    docs: [FLEET],
  },
  'fleet put': {
    examples: examples(
      ['fleet put -f chain.yaml --message "block 10.0.0.0/8"', 'Write a new revision, and say why'],
      ['fleet put -f chain.yaml --after 41', 'Refuse if another operator wrote one meanwhile'],
      ['fleet put -f chain.yaml --now', 'Give it to all hosts at once'],
    ),
    docs: [FLEET, DECLARED],
  },
  'fleet get': {
    examples: examples(
      ['fleet get', 'Print the newest documents'],
      ['fleet get 41 >chain.yaml', 'Those of a revision'],
      ['fleet get --json', 'With digests, author and time'],
    ),
    docs: [FLEET],
  },
  'fleet diff': {
    examples: examples(
      ['fleet diff', 'Between what all hosts run and the newest revision'],
      ['fleet diff 41 42', 'Between two revisions'],
      ['fleet diff -f chain.yaml', 'Between the newest revision and a file'],
    ),
    docs: [FLEET],
  },
  'fleet history': {
    examples: examples(
      ['fleet history', 'List revisions, the newest first'],
      ['fleet history --count 5', 'The newest five'],
      ['fleet history --json', 'The same for programs'],
    ),
    docs: [FLEET],
  },
  'fleet rollback': {
    examples: examples(
      ['fleet rollback', 'Go back to what hosts had before'],
      ['fleet rollback 40', 'Go back to the contents of a revision'],
      ['fleet rollback --message "drops DNS"', 'And say why'],
    ),
    docs: [FLEET],
  },
  'fleet rollout': {
    examples: examples(
      ['fleet rollout', 'Give the newest revision to hosts in waves'],
      ['fleet rollout 42 --waves 2,25%,all --settle 300', 'With other waves, each watched for five minutes'],
      ['fleet rollout --join', 'Follow the rollout, and lead it when its leader is gone'],
    ),
    docs: [FLEET],
  },
  'fleet status': {
    examples: examples(
      ['fleet status', 'Show each host'],
      ['fleet status --state verifier-refused', 'Only hosts in a state'],
      ['fleet status --json', 'The same for programs'],
    ),
    docs: [FLEET],
  },
  'fleet drain': {
    examples: examples(
      ['fleet drain edge-7', 'Remove everything of the fleet from a host'],
      ['fleet drain edge-7 --undo', 'Let it run its revision again'],
      ['fleet drain edge-7 --message "new kernel"', 'And say why'],
    ),
    docs: [FLEET],
  },
  agent: {
    group: 'Chains',
    examples: examples(
      ['agent --label role=edge --policy policy.json', 'Run what the fleet states'],
      ['agent --sample traffic.pcap --policy policy.json', 'Try revisions with a capture first'],
      ['agent --label role=edge --policy policy.json --install-unit', 'Print a systemd unit'],
    ),
    docs: [FLEET],
  },
  push: {
    group: 'Objects',
    examples: examples(
      ['push fw.o reg.example.com/fw:1.2', 'Store an object, and print its digest'],
      ['push fw.o reg.example.com/fw:1.2 --sign ops.key', 'With a signature'],
      ['push fw.o localhost:5000/fw:1 --plain-http localhost:5000', 'To a registry without TLS'],
    ),
    docs: [FLEET],
  },
  pull: {
    group: 'Objects',
    examples: examples(
      ['pull reg.example.com/fw:1.2 -o fw.o', 'Fetch an object'],
      ['pull reg.example.com/fw:1.2 --policy policy.json -o fw.o', 'Only if it is signed'],
      ['pull reg.example.com/fw:1.2 --json', 'Print its digest, programs and maps'],
    ),
    docs: [FLEET],
  },
  ps: {
    group: 'Look',
    examples: examples(
      ['ps', 'List what rootlet loaded'],
      ['ps --bindings', 'List what each extern is bound to'],
      ['ps --all --json', 'Everything in the kernel, for programs'],
    ),
    docs: [RUNS],
  },
  status: {
    group: 'Look',
    examples: examples(
      ['status', 'Show what is attached and loaded as a tree'],
      ['status --json', 'The same for programs'],
      ['status --graph status.svg', 'The same as a picture'],
      ['status --bpffs /run/bpf/rootlet', 'Use another store'],
    ),
    docs: [LOOKING, 'docs/pictures.md'],
  },
  show: {
    group: 'Look',
    examples: examples(
      ['show edge', 'List programs, maps and variables of an entry, with values'],
      ['show edge.rules', 'Print the elements of a map'],
      ['show edge.cfg.limit', 'Print a member of a variable'],
      ['show edge.counters --json', 'The same for programs'],
    ),
    docs: [LOOKING],
  },
  events: {
    group: 'Look',
    examples: examples(
      ['events edge.log', 'Follow a ring buffer'],
      ['events edge.log --count 10', 'End after ten records'],
      ['events edge.log --type event', 'Name the type of the records'],
    ),
    docs: [LOOKING],
  },
  trace: {
    group: 'Look',
    examples: examples(
      ['trace', 'Follow what programs print'],
      ['trace --count 10', 'End after ten lines'],
      ['trace --json', 'A document a line, for programs'],
    ),
    docs: [LOOKING],
  },
  top: {
    group: 'Look',
    examples: examples(
      ['top', 'Show runs of all programs, and verdicts of members of chains'],
      ['top eth0 --time', 'Measure the time of each member, too'],
      ['top --off', 'Switch counters off'],
    ),
    docs: [COUNTERS],
  },
  metrics: {
    group: 'Look',
    examples: examples(
      ['metrics', 'Print counters in the format of Prometheus'],
      ['metrics --listen 127.0.0.1:9435', 'Serve them over HTTP'],
      ['metrics --textfile /var/lib/node_exporter/rootlet.prom', 'Write them for the textfile collector'],
    ),
    docs: [COUNTERS],
  },
  explain: {
    group: 'Look',
    examples: examples(
      ['explain eth0', 'Print which members hide packets from others'],
      ['explain eth0 --json', 'The same for programs'],
      ['explain eth0 --bpffs /run/bpf/rootlet', 'Use another store'],
    ),
    docs: [CHAINS],
  },
  doctor: {
    group: 'Look',
    examples: examples(
      ['doctor', 'Print what works here, and how to get the rest'],
      ['doctor --all', 'List all types of programs, maps and links'],
      ['doctor --fix', 'Complete or undo interrupted changes of chains'],
    ),
    docs: [RUNS, CHAINS],
  },
  set: {
    group: 'Edit',
    examples: examples(
      ['set edge.limit=100', 'Change a variable while programs run'],
      ['set edge.cfg.burst=20 edge.table[3]=7', 'Change parts of variables, all or none'],
      ['set edge.limit=100 --dry-run', 'Print what would change'],
    ),
    docs: [LOOKING],
  },
  map: {
    group: 'Edit',
    examples: examples(
      ['map get edge.rules 80', 'Print an element'],
      ["map put edge.rules 80 '{.action = DROP}'", 'Write an element'],
      ['map delete edge.rules 80', 'Delete an element'],
    ),
    docs: [LOOKING],
  },
  'map get': {
    examples: examples(
      ['map get edge.rules 80', 'Print the value of a key'],
      ['map get edge.packets 0 --cpu 1', 'Print the value of one CPU'],
      ["map get edge.flows '{.address = 0x0100007f, .port = 80}' --json", 'The key is a structure'],
    ),
    docs: [LOOKING],
  },
  'map put': {
    examples: examples(
      ["map put edge.rules 80 '{.action = DROP}'", 'Write an element, with an initialiser of C'],
      ['map put edge.rules 80 \'{"action": "DROP"}\' --noexist', 'With JSON, and only if it is new'],
      ['map put edge.blocked hex:0a000001 1 --dry-run', 'Give the bytes of the key'],
    ),
    docs: [LOOKING],
  },
  'map delete': {
    examples: examples(
      ['map delete edge.rules 80', 'Delete an element'],
      ['map delete edge.queue', 'Take the first element out of a queue'],
      ['map delete edge.rules 80 --dry-run', 'Print what would be deleted'],
    ),
    docs: [LOOKING],
  },
  'map dump': {
    examples: examples(
      ['map dump edge.rules', 'Print all elements'],
      ['map dump edge.rules --json', 'The same for programs'],
      ['map dump edge.firewall:rules', 'Of a component'],
    ),
    docs: [LOOKING],
  },
  help: {
    group: 'Help',
    examples: examples(
      ['help', 'List the commands'],
      ['help link', 'Print the page of a command'],
      ['help xdp load', 'Print the page of a command of a group'],
    ),
    docs: ['README.md'],
  },
  completion: {
    group: 'Help',
    examples: examples(
      ['completion bash >/etc/bash_completion.d/rootlet', 'Install it for bash'],
      ['completion zsh >~/.zfunc/_rootlet', 'For zsh, in a directory of $fpath'],
      ['completion fish >~/.config/fish/completions/rootlet.fish', 'For fish'],
    ),
    docs: ['docs/completion.md'],
  },
  'xdp load': {
    usage: 'IFACE [NAME=]FILE[:PROGRAM][@VERDICT,...]...',
    examples: examples(
      ['xdp load eth0 firewall.o -P 10', 'Run it before members of higher priority'],
      ['xdp load eth0 limit.o@pass,tx count.o', 'count.o also sees what limit.o sends back'],
      ['xdp load eth0 firewall.o --dry-run', 'Print what would change'],
    ),
    docs: [CHAINS],
  },
  'xdp unload': {
    usage: 'IFACE NAME...|-i ID|-a',
    examples: examples(
      ['xdp unload eth0 firewall', 'Remove a member by name'],
      ['xdp unload eth0 -i 42', 'Remove the member whose program has this id'],
      ['xdp unload eth0 --all', 'Remove the chain'],
    ),
    docs: [CHAINS],
  },
  'xdp replace': {
    examples: examples(
      ['xdp replace eth0 firewall firewall.o', 'A new version takes over place, maps and variables'],
      ['xdp replace eth0 firewall firewall.o --fresh blocked', 'With an empty map'],
      ['xdp replace eth0 firewall firewall.o --dry-run', 'Print what would change'],
    ),
    docs: [CHAINS],
  },
  'xdp order': {
    examples: examples(
      ['xdp order eth0 count,firewall', 'Run count first'],
      ['xdp order eth0 count,firewall --dry-run', 'Print what would change'],
      ['xdp order eth0 count,firewall --json', 'The result for programs'],
    ),
    docs: [CHAINS],
  },
  'xdp status': {
    examples: examples(
      ['xdp status', 'List the programs on all interfaces'],
      ['xdp status eth0 --watch', 'Print it again every second'],
      ['xdp status --json', 'The same for programs'],
    ),
    docs: [CHAINS],
  },
  'xdp features': {
    examples: examples(
      ['xdp features eth0', 'Print what the driver supports'],
      ['xdp features eth0 --json', 'The same for programs'],
      ['xdp features lo', 'For the loopback interface'],
    ),
    docs: [CHAINS],
  },
  'xdp clean': {
    examples: examples(
      ['xdp clean', 'Remove what is left of chains that are attached nowhere'],
      ['xdp clean --dry-run', 'Print what would be removed'],
      ['xdp clean eth0', 'For one interface'],
    ),
    docs: [CHAINS],
  },
  'xdp trace': {
    examples: examples(
      ['xdp trace eth0 --count 10', 'Show ten packets, and the member that decided each'],
      ['xdp trace eth0 --verdict drop', 'Only packets that were dropped'],
      ['xdp trace eth0 --member firewall --json', 'What one member decided, a document a line'],
    ),
    docs: [COUNTERS],
  },
  'tc load': {
    usage: 'IFACE [NAME=]FILE[:PROGRAM][@VERDICT,...]...',
    examples: examples(
      ['tc load eth0 shape.o --egress', 'Run it on outgoing packets'],
      ['tc load eth0 a.o@unspec,pipe b.o', 'b.o runs after these verdicts of a.o'],
      ['tc load eth0 shape.o --dry-run', 'Print what would change'],
    ),
    docs: [CHAINS],
  },
  'tc unload': {
    usage: 'IFACE NAME...|-i ID|-a',
    examples: examples(
      ['tc unload eth0 shape --egress', 'Remove a member by name'],
      ['tc unload eth0 -i 42', 'Remove the member whose program has this id'],
      ['tc unload eth0 --all', 'Remove the chain of incoming packets'],
    ),
    docs: [CHAINS],
  },
  'tc replace': {
    examples: examples(
      ['tc replace eth0 shape shape.o', 'A new version takes over place, maps and variables'],
      ['tc replace eth0 shape shape.o --egress', 'On outgoing packets'],
      ['tc replace eth0 shape shape.o --dry-run', 'Print what would change'],
    ),
    docs: [CHAINS],
  },
  'tc order': {
    examples: examples(
      ['tc order eth0 count,shape', 'Run count first'],
      ['tc order eth0 count,shape --egress', 'On outgoing packets'],
      ['tc order eth0 count,shape --dry-run', 'Print what would change'],
    ),
    docs: [CHAINS],
  },
  'tc status': {
    examples: examples(
      ['tc status', 'List the programs on all interfaces'],
      ['tc status eth0 --watch', 'Print it again every second'],
      ['tc status --json', 'The same for programs'],
    ),
    docs: [CHAINS],
  },
  'tc clean': {
    examples: examples(
      ['tc clean', 'Remove what is left of chains that are attached nowhere'],
      ['tc clean --dry-run', 'Print what would be removed'],
      ['tc clean eth0', 'For one interface'],
    ),
    docs: [CHAINS],
  },
};

const NONE: Topic = { examples: [], docs: [] };

/** The entry of a command such as `link` or `xdp load`; an empty one for a command without. */
export function topicOf(command: string): Topic {
  return Object.hasOwn(TOPICS, command) ? (TOPICS[command] ?? NONE) : NONE;
}

/** All commands that the table has. */
export function topicNames(): string[] {
  return Object.keys(TOPICS);
}

/** What `rootlet help` shows first: command lines that lead from two objects to a running chain. */
export const FIRST_STEPS: readonly Example[] = examples(
  ['link first.o second.o -o all.o', 'link objects by name'],
  ['run all.o --pcap traffic.pcap', 'try the result, without root'],
  ['attach xdp eth0 all.o --name edge', 'attach it'],
);
