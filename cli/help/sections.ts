/** In which part of a page each option is: by its name, and by its command where a name has several meanings. */

export const SECTIONS = [
  'Inputs',
  'Output',
  'Symbols',
  'Contents',
  'Libraries',
  'Chain',
  'Slots and binding',
  'State',
  'Optimization',
  'Kernel',
  'Machine',
  'Registry',
  'Fleet',
  'General',
] as const;

export type Section = (typeof SECTIONS)[number];

const KEYS: Readonly<Record<Section, readonly string[]>> = {
  Inputs: [
    ...['file', 'wholeArchive', 'order', 'prog', 'section', 'progName', 'only', 'type', 'pcap', 'packet'],
    ...['id', 'name', 'count', 'member', 'verdict', 'simulate', 'cpu', 'exist', 'noexist', 'record'],
  ],
  Output: [
    ...['output', 'out', 'Map', 'trace', 'traceSymbol', 'printGcSections', 'whyLive', 'reportInlining'],
    ...[
      'disasm',
      'each',
      'maps',
      'printk',
      'explain',
      'bindings',
      'quiet',
      'verbose',
      'json',
      'textfile',
      'graph',
      'function',
    ],
    ...['listen', 'objects', 'watch', 'interval', 'once', 'installUnit', 'verifierLog', 'coverage'],
  ],
  Symbols: [
    ...['defsym', 'redefineSym', 'prefixSymbols', 'localizeSymbol', 'globalizeSymbol', 'keepGlobalSymbol'],
    ...['hide', 'weakenSymbol', 'wrap'],
  ],
  Contents: [
    ...['relocatable', 'gcSections', 'keep', 'foldIdentical', 'keepDebug', 'stripDebug', 'foldText'],
    ...['renameSection', 'license', 'limits', 'noLimits'],
  ],
  Libraries: ['library', 'libraryPath'],
  Chain: [
    ...['chain', 'on', 'final', 'chainName', 'prio', 'priority', 'mode', 'ingress', 'egress', 'adopt'],
    ...['failClosed', 'counters', 'time', 'off', 'asIs', 'prune'],
  ],
  'Slots and binding': ['slots', 'reset', 'bind', 'against', 'via', 'lazy'],
  State: ['set', 'map', 'maxEntries', 'fresh', 'ownState', 'share', 'private'],
  Optimization: ['optimize', 'inline', 'noInline', 'verifyBudget'],
  Kernel: ['btf', 'kconfig', 'kernel', 'pin', 'pinPath', 'bpffs'],
  Machine: ['seed', 'budget', 'memory'],
  Registry: [
    'plainHttp',
    'authfile',
    'registryCa',
    'registryCert',
    'registryKey',
    'sign',
    'policy',
    'allowUnsigned',
  ],
  Fleet: [
    ...[
      'etcd',
      'etcdCa',
      'etcdCert',
      'etcdKey',
      'etcdUser',
      'fleet',
      'host',
      'label',
      'state',
      'sample',
      'sampleDrop',
    ],
    ...[
      'lease',
      'report',
      'waves',
      'settle',
      'timeout',
      'mostDropped',
      'mostAborted',
      'join',
      'after',
      'now',
      'undo',
    ],
    ...['author', 'message'],
  ],
  General: ['all', 'fix', 'dryRun', 'force', 'wait', 'help'],
};

const EXCEPTIONS: ReadonlyMap<string, Section> = new Map([
  ['link bind', 'Symbols'],
  ['relink bind', 'Symbols'],
  ['inspect btf', 'Output'],
  ['tc load via', 'Chain'],
  ['tc replace via', 'Chain'],
  ['xdp load via', 'Chain'],
  ['xdp replace via', 'Chain'],
  ['tc unload all', 'Inputs'],
  ['xdp unload all', 'Inputs'],
  ['doctor all', 'Output'],
  ['ps all', 'Output'],
  ['replace all', 'Output'],
]);

const BY_KEY: ReadonlyMap<string, Section> = new Map(
  SECTIONS.flatMap(section => KEYS[section].map(key => [key, section] as const)),
);

/** The section of an option; what has none is of general use, which a test refuses. */
export function sectionOf(command: string, key: string): Section {
  return EXCEPTIONS.get(`${command} ${key}`) ?? BY_KEY.get(key) ?? 'General';
}

/** Whether the option is in the table. */
export function hasSection(command: string, key: string): boolean {
  return EXCEPTIONS.has(`${command} ${key}`) || BY_KEY.has(key);
}
