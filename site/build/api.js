/** The reference of the library: a page for each entry point, made by TypeDoc of the types and comments. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Application } from 'typedoc';
import { ROOT } from './paths.js';

/** @returns {Promise<Record<string, string>>} */
export async function apiPages() {
  const out = mkdtempSync(join(tmpdir(), 'rootlet-api-'));
  try {
    await generate(out);
    const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md'));
    return Object.fromEntries(names.map(name => [`api/${name}`, pageText(readFileSync(join(out, name), 'utf8'))]));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** @param {string} out */
async function generate(out) {
  const options = {
    options: join(ROOT, 'typedoc.json'),
    tsconfig: join(ROOT, 'tsconfig.build.json'),
    plugin: ['typedoc-plugin-markdown'],
    router: 'module',
    readme: 'none',
    entryFileName: 'index',
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    expandObjects: false,
    parametersFormat: 'table',
    enumMembersFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    interfacePropertiesFormat: 'table',
    propertyMembersFormat: 'table',
    formatWithPrettier: false,
    sanitizeComments: true,
    useHTMLEncodedBrackets: true,
  };
  const app = await Application.bootstrapWithPlugins(/** @type {any} */ (options));
  const project = await app.convert();
  if (project === undefined) throw new Error('the types of the library cannot be converted');
  await app.outputs.setDefaultOutputName?.('markdown');
  app.options.setValue('out', out);
  await app.generateOutputs(project);
}

/** Long pages of names are searched by their headings. @param {string} text */
function pageText(text) {
  return `---\nsearch: false\noutline: [2, 3]\n---\n\n${text}`;
}
