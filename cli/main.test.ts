import { afterEach, expect, test, vi } from 'vitest';
import { EXIT, inputError } from '../src/diag/problem.ts';
import { main } from './main.ts';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

/** What a command line prints, and its exit code. */
async function run(...argv: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  await main(argv, { stdout: { write: text => out.push(text) }, stderr: { write: text => err.push(text) } });
  return { out: out.join(''), err: err.join(''), code: process.exitCode };
}

const LINK = '  hint: usage: rootlet link [OPTION]... IN...; "rootlet help link" has all options\n';
const INSPECT = '  hint: usage: rootlet inspect [OPTION]... FILE; "rootlet help inspect" has all options\n';

test.each([
  [['lnk'], 'rootlet: there is no command "lnk"\n  hint: did you mean "link"?\n'],
  [
    ['link', '--gcsections'],
    'rootlet: there is no option "--gcsections"\n  hint: did you mean "--gc-sections"?\n',
  ],
  [['link', '-q'], `rootlet: there is no option "-q"\n${LINK}`],
  [['link', '-o'], `rootlet: --output needs a value\n${LINK}`],
  [['inspect', '--foo'], `rootlet: there is no option "--foo"\n${INSPECT}`],
  [
    ['link', '--why-live', '--print-gc-sections'],
    `rootlet: --why-live needs a value, but --print-gc-sections follows\n${LINK}`,
  ],
  [['inspect'], `rootlet: FILE is missing\n${INSPECT}`],
  [['inspect', 'a', 'b'], `rootlet: "b" is an unexpected argument; expected: 1\n${INSPECT}`],
])('%j is refused as all else is', async (argv, text) => {
  expect(await run(...argv)).toEqual({ out: '', err: text, code: 2 });
});

test('with --json the refusal is a document', async () => {
  const { out, err, code } = await run('link', '--json', '--wholearchive');
  expect([err, code]).toEqual(['', 2]);
  expect(JSON.parse(out)).toEqual({
    schemaVersion: 1,
    ok: false,
    problems: [
      {
        code: 'usage-option',
        class: 'usage',
        where: [],
        message: 'there is no option "--wholearchive"',
        hint: 'did you mean "--whole-archive"?',
      },
    ],
  });
});

test.each([[['--help']], [['link', '--help']], [['lnk', '--json']], [['inspect', 'nothing.o', '--json']]])(
  '%j into a full disk reports it once, and into a closed pipe nothing',
  async argv => {
    const err: string[] = [];
    const stderr = { write: (text: string) => err.push(text) };
    const failing = (error: Error) => ({
      write: () => {
        throw error;
      },
    });
    await main(argv, {
      stdout: failing(inputError('file-write', ['<stdout>'], 'cannot be written')),
      stderr,
    });
    expect([err.join(''), process.exitCode]).toEqual(['rootlet: <stdout>: cannot be written\n', EXIT.input]);
    err.length = 0;
    await main(argv, { stdout: failing(Object.assign(new Error('write'), { code: 'EPIPE' })), stderr });
    expect([err, process.exitCode]).toEqual([[], argv[0] === 'lnk' ? EXIT.usage : EXIT.ok]);
  },
);

test('an option after -- is none', async () => {
  expect(await run('inspect', '--', 'a', '--json')).toMatchObject({ out: '', code: 2 });
});

test('aliases of options do the same, and help does not list them', async () => {
  const file = 'examples/obj/el/first_firewall.bpf.o';
  const packet = ['--packet', '00'.repeat(64), '--json'];
  const [first, second] = [
    await run('run', file, '--prog-name', 'xdp_prog1', ...packet),
    await run('run', file, '--program', 'xdp_prog1', ...packet),
  ];
  expect(first.err).toBe('');
  expect(first.out).not.toBe('');
  expect(second).toEqual(first);
  const help = await run('run', '--help');
  expect(help.out).toContain('--prog-name');
  expect(help.out).not.toContain('--program ');
});
