/** The generator's settings. Pages are in the directory that `scripts/site.js` puts together. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { OUT, PAGES, ROOT } from '../build/paths.js';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** @param {string} text @param {string} link */
const item = (text, link) => ({ text, link });

/** @param {string} text @param {{ text: string, link: string }[]} items */
const group = (text, items) => ({ text, items });

const GUIDE = [
  group('Guide', [
    item('1. Install, and a demo', '/guide/install'),
    item('2. Link', '/guide/link'),
    item('3. Re-link two firewalls', '/guide/relink'),
    item('4. Load, attach, replace', '/guide/load'),
    item('5. Look, and test', '/guide/look'),
  ]),
  group('Concepts', [
    item('One model', '/concepts/'),
    item('Slots and components', '/concepts/slots'),
    item('Generations', '/concepts/generations'),
    item('Back ends', '/concepts/back-ends'),
    item('Static and dynamic linking', '/concepts/linking'),
  ]),
  group('How to', [
    item('Two firewalls on one interface', '/how-to/two-firewalls'),
    item('A BPF library', '/how-to/bpf-library'),
    item('Testing in CI', '/how-to/testing-in-ci'),
    item('Moving from xdp-loader', '/docs/moving-from-xdp-loader'),
    item('Moving from bpftool gen object', '/how-to/moving-from-bpftool-gen-object'),
    item('Moving from bpf2go', '/how-to/moving-from-bpf2go'),
  ]),
  group('Reference', [
    item('Linking: the rules', '/docs/linking'),
    item('Dynamic re-linking', '/docs/relinking'),
    item('Dynamic linking', '/docs/dynamic'),
    item('Loading and attaching', '/docs/loading'),
    item('Chains', '/docs/chains'),
    item('Declared chains', '/docs/declared'),
    item('Pictures', '/docs/pictures'),
    item('Fleets', '/docs/fleet'),
    item('Looking', '/docs/looking'),
    item('Counters', '/docs/counters'),
    item('The embedded machine', '/docs/machine'),
    item('Testing BPF code', '/docs/testing-bpf'),
    item('The optimizer', '/docs/optimizer'),
    item('Types', '/docs/types'),
    item('The library', '/docs/library'),
    item('Robustness', '/docs/robustness'),
    item('Completion and manual pages', '/docs/completion'),
    item('Problems and their codes', '/docs/errors'),
    item('Error index', '/reference/error-index'),
    item('Glossary', '/docs/glossary'),
    item('How rootlet is tested', '/docs/testing'),
    item('Changes', '/changelog'),
  ]),
];

/** Pages of a directory that was generated, by name; the first one lists the others. @param {string} directory */
function pagesOf(directory) {
  const names = readdirSync(join(PAGES, directory))
    .filter(name => name.endsWith('.md') && name !== 'index.md')
    .map(name => name.slice(0, -'.md'.length));
  return names.sort((a, b) => Number(b === 'rootlet') - Number(a === 'rootlet') || (a < b ? -1 : 1));
}

function commands() {
  const items = pagesOf('commands').map(name =>
    item(name.replace(/^(xdp|tc|map)-/, '$1 '), `/commands/${name}`),
  );
  return [group('Commands', [item('All commands', '/commands/'), ...items])];
}

function library() {
  const items = pagesOf('api').map(name =>
    item(name === 'rootlet' ? name : `rootlet/${name.replace('-', ', ')}`, `/api/${name}`),
  );
  return [group('Library', [item('Guide', '/docs/library'), item('Entry points', '/api/'), ...items])];
}

export default defineConfig({
  title: 'rootlet',
  description: 'An eBPF linker, loader and re-linker: a command and a library',
  lang: 'en',
  base: process.env['ROOTLET_SITE_BASE'] ?? '/',
  srcDir: PAGES,
  outDir: OUT,
  cacheDir: join(ROOT, '.cache', 'vitepress'),
  metaChunk: true,
  ignoreDeadLinks: false,
  head: [
    [
      'link',
      { rel: 'icon', href: `${process.env['ROOTLET_SITE_BASE'] ?? '/'}icon.svg`, type: 'image/svg+xml' },
    ],
  ],
  markdown: { theme: { light: 'github-light', dark: 'github-dark' } },
  vite: {
    configFile: false,
    logLevel: 'warn',
    build: { chunkSizeWarningLimit: 4000, reportCompressedSize: false },
  },
  themeConfig: {
    logo: '/icon.svg',
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    externalLinkIcon: false,
    nav: [
      { text: 'Guide', link: '/guide/install', activeMatch: '^/(guide|how-to)/' },
      { text: 'Concepts', link: '/concepts/', activeMatch: '^/concepts/' },
      { text: 'Commands', link: '/commands/', activeMatch: '^/commands/' },
      { text: 'Library', link: '/api/', activeMatch: '^/api/' },
      { text: 'Playground', link: '/playground/index.html', target: '_self' },
      { text: version, link: '/changelog' },
    ],
    sidebar: { '/commands/': commands(), '/api/': library(), '/': GUIDE },
    docFooter: { prev: 'Before', next: 'Next' },
    footer: { message: 'MIT license' },
  },
});
