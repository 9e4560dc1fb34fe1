// Licenses of the packages that are compiled into the command: their texts travel with the code. Apart from
// scripts/setup.js, which calls it, since tests read it as well.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package in node_modules, by the path of one of its files. */
const PACKAGE = /(?:^|[\\/])node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/;

/**
 * Names of the packages that files belong to, in order.
 *
 * @param {Iterable<string>} files
 * @returns {string[]}
 */
export function packagesOf(files) {
  const names = [...files].flatMap(file => PACKAGE.exec(file)?.[1]?.replaceAll('\\', '/') ?? []);
  return [...new Set(names)].sort();
}

/**
 * What dist/THIRD-PARTY.txt says of them: version, license, place of the source, the notices of the package, and the text of
 * the license: that of the package, or the standard one in share/licenses. Throws where there is neither.
 *
 * @param {string} root
 * @param {readonly string[]} names
 * @returns {string}
 */
export function thirdPartyText(root, names) {
  const head = 'Code of these packages is compiled into dist/command:\n\n';
  return head + names.map(name => entryOf(root, name)).join('\n');
}

/**
 * @param {string} root
 * @param {string} name
 */
function entryOf(root, name) {
  const directory = join(root, 'node_modules', name);
  const { version, license, author, repository } = JSON.parse(
    readFileSync(join(directory, 'package.json'), 'utf8'),
  );
  const facts = [
    `${name} ${version}`,
    `license: ${license}`,
    `author: ${typeof author === 'string' ? author : (author?.name ?? 'not stated')}`,
    `source: ${typeof repository === 'string' ? repository : (repository?.url ?? 'not stated')}`,
  ];
  const own = readdirSync(directory).filter(file => /^(licen[cs]e|notice|copying)(\.\w+)?$/i.test(file));
  const texts = own.sort().map(file => readFileSync(join(directory, file), 'utf8'));
  if (!own.some(file => !/^notice/i.test(file))) texts.push(standardText(root, name, license));
  const rule = '-'.repeat(80);
  return [rule, ...facts, rule, '', ...texts].join('\n');
}

/**
 * @param {string} root
 * @param {string} name
 * @param {string} license
 */
function standardText(root, name, license) {
  const path = join(root, 'share', 'licenses', `${license}.txt`);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  throw new Error(`package ${name} has no text of its license, and share/licenses/${license}.txt is missing`);
}
