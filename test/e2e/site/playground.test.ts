/** The playground in a browser, under the strict policy that its page asks for. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrowserPage, FileServer } from '../../support/browser.ts';
import { needs } from '../../support/needs.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
/** Bytes before a link and a run are done. Minified linkers and machines are large; growth is noticed here. */
const MOST_CORE = 580_000;

interface Build {
  buildPlayground(out: string): Promise<void>;
  playgroundSizes(out: string): { readonly core: number; readonly more: number };
}

needs('browser').describe('the playground', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-playground-'));
  let build: Build;
  let server: FileServer;
  let page: BrowserPage;

  beforeAll(async () => {
    build = (await import(pathToFileURL(path.join(ROOT, 'site/build/playground.js')).href)) as Build;
    await build.buildPlayground(directory);
    server = await FileServer.open(directory, () => ({ 'content-security-policy': POLICY }));
    page = await BrowserPage.open();
    await page.goto(`${server.url}/index.html`);
  });

  afterAll(async () => {
    await page?.close();
    server?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const text = (selector: string): string => `document.querySelector('${selector}')?.innerText ?? ''`;
  const click = (selector: string): Promise<unknown> =>
    page.evaluate(`document.querySelector('${selector}').click()`);
  const shows = (selector: string, what: string): Promise<void> =>
    page.until(`(${text(selector)}).includes(${JSON.stringify(what)})`);

  /** Gives the page files as if they were chosen. */
  async function give(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const entries = Object.entries(files).map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString('base64'),
    ]);
    await page.evaluate(`{
      const transfer = new DataTransfer();
      for (const [name, text] of ${JSON.stringify(entries)})
        transfer.items.add(new File([Uint8Array.from(atob(text), one => one.charCodeAt(0))], name));
      const input = document.getElementById('file-input');
      input.files = transfer.files;
      input.dispatchEvent(new Event('change'));
    }`);
  }

  async function choose(example: number): Promise<void> {
    await page.evaluate(`{
      const chooser = document.getElementById('examples');
      chooser.value = '${example}';
      chooser.dispatchEvent(new Event('change'));
    }`);
  }

  test('links the two firewalls, and shows what came from which file', async () => {
    await shows('#result', 'relinked.o');
    const map = await page.evaluate(text('#panel'));
    for (const word of ['first_foo', 'second_foo', 'second_rules', 'slot, replaced by', 'call frames'])
      expect(map).toContain(word);
    expect(await page.evaluate(text('#command'))).toContain('dummy1=first_firewall.bpf.o:xdp_prog1');
  });

  test('shows calls, and instructions with lines of C', async () => {
    await click('[data-tab=graph]');
    expect(await page.evaluate(`document.querySelectorAll('.graph .node').length`)).toBeGreaterThan(6);
    await click('[data-tab=code]');
    expect(await page.evaluate(text('#panel'))).toContain('verdict = dummy1(ctx);');
  });

  test('runs the capture, and names the component that decided', async () => {
    await click('[data-tab=run]');
    await click('#run-example');
    await shows('#run-results', 'Packets');
    const rows = await page.evaluate(`[...document.querySelectorAll('#run-results table')[0].rows].map(row =>
      [...row.cells].map(cell => cell.innerText))`);
    expect(rows).toEqual([
      ['verdict', 'decided by', 'packets'],
      ['PASS', 'second_firewall.bpf.o', '23'],
      ['DROP', 'first_firewall.bpf.o', '6'],
      ['DROP', 'second_firewall.bpf.o', '6'],
      ['all', '', '35'],
    ]);
    expect(await page.evaluate(text('#run-results'))).toContain('first firewall drops a packet');
  });

  test('runs a packet of digits, and reports digits that are none', async () => {
    const run = async (digits: string): Promise<void> => {
      await page.evaluate(`document.getElementById('hex').value = ${JSON.stringify(digits)}`);
      await click('#run-hex');
    };
    await run(
      `00005e005301 00005e005302 0800 45000034123440004006c250cb00710ac6336401 a0281770${'0'.repeat(40)}`,
    );
    await shows('#run-results', 'second_firewall.bpf.o');
    await run('xyz');
    await shows('#run-results', 'packet 1 is not an even number of hexadecimal digits');
  });

  test('refuses what the command refuses, with its text', async () => {
    await choose(3);
    await shows('#result', 'Refused');
    const refused = await page.evaluate(text('#result'));
    expect(refused).toContain('"foo" is defined more than once');
    expect(refused).toContain('rootlet relink --chain');
    expect(await page.evaluate(`document.querySelector('.problem a').getAttribute('href')`)).toBe(
      '../reference/error-index.html#link-duplicate',
    );
  });

  test('reports files that are damaged, and shows names as text', async () => {
    const object = readFileSync(path.join(ROOT, 'examples/obj/el/first_firewall.bpf.o'));
    const named = Buffer.from(object);
    for (let at = named.indexOf('is_default'); at >= 0; at = named.indexOf('is_default', at + 1))
      named.write('<img src=x', at, 'latin1');
    await choose(0);
    await shows('#result', 'relinked.o');
    await give({ '<b>cut.o': object.subarray(0, 1000), 'first_firewall.bpf.o': named });
    await shows('#files', '<b>cut.o');
    await shows('#files', 'refused');
    expect(await page.evaluate(text('#files .problems'))).toContain('cut.o');
    await click('[data-tab=map]');
    expect(await page.evaluate(`document.querySelectorAll('main img, main b').length`)).toBe(0);
  });

  test('goes on after its worker was stopped', async () => {
    await click('#stop');
    await choose(1);
    await shows('#result', 'chain.o');
    expect(await page.evaluate(text('#command'))).toContain('relink --chain main_a.bpf.o:xdp_main');
  });

  test('gives the linked object as a file', async () => {
    await choose(2);
    await shows('#result', 'linked.o');
    const size = await page.evaluate(`new Promise(resolve => {
      const make = URL.createObjectURL;
      URL.createObjectURL = blob => (resolve(blob.size), make.call(URL, blob));
      document.getElementById('download').click();
    })`);
    expect(size).toBeGreaterThan(3000);
  });

  test('stays within its policy, and asks for nothing that is not there', () => {
    const ownImage = (complaint: string): boolean => complaint.includes('/icon.svg');
    expect(page.complaints.filter(complaint => !ownImage(complaint))).toEqual([]);
    expect(server.missing.filter(name => name !== '/icon.svg')).toEqual([]);
  });

  test('is not larger than it was, and makes no code of text', () => {
    const { core, more } = build.playgroundSizes(directory);
    expect(core, `${core} bytes, and ${more} when needed`).toBeLessThan(MOST_CORE);
    for (const name of ['page.js', 'worker.js', 'worker-more.js']) {
      const script = readFileSync(path.join(directory, name), 'utf8');
      const found = /\beval\(|new Function\(|\.innerHTML|insertAdjacentHTML|document\.write|["']node:\w/.exec(
        script,
      );
      expect([name, found?.[0]]).toEqual([name, undefined]);
    }
  });
});
