/** The manifest of Kubernetes against the types of its API, and against the options that the agent has. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentCommand } from '../../cli/commands/agent.ts';
import { optionNames } from '../../cli/help/show.ts';

const FILE = 'share/kubernetes/rootlet-agent.yaml';
const manifest = parse(readFileSync(FILE, 'utf8'));

/** What the compiler says of a value as a DaemonSet. */
function errorsOf(value: unknown): string[] {
  const name = path.resolve('test/project/manifest.generated.ts');
  const text = `import type { DaemonSet } from 'kubernetes-types/apps/v1';\nexport const it: DaemonSet = ${JSON.stringify(value)};\n`;
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (file, ...rest) =>
    file === name
      ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
      : getSourceFile.call(host, file, ...rest);
  const { fileExists } = host;
  host.fileExists = file => file === name || fileExists.call(host, file);
  const program = ts.createProgram([name], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test('is a DaemonSet; a wrong key or type is found', { timeout: 60_000 }, () => {
  expect(errorsOf(manifest)).toEqual([]);
  expect(errorsOf({ ...manifest, spec: { ...manifest.spec, replicas: 1 } })).not.toEqual([]);
  expect(errorsOf({ ...manifest, kind: 'Deployment' })).not.toEqual([]);
});

test('selects its own pods, and calls the agent with options that there are', () => {
  const { selector, template } = manifest.spec;
  expect(template.metadata.labels).toMatchObject(selector.matchLabels);
  const [container] = template.spec.containers;
  const known = optionNames(agentCommand).map(
    name => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`,
  );
  for (const argument of container.args as string[]) expect(known).toContain(argument.split('=')[0]);
  const volumes = template.spec.volumes.map(({ name }: { name: string }) => name).sort();
  expect(container.volumeMounts.map(({ name }: { name: string }) => name).sort()).toEqual(volumes);
});
