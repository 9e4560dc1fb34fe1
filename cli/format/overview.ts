/** All that is loaded and attached, as a tree and as data: what `rootlet status` prints. */

import type { HookNode, MapNode, ObjectNode, Overview, PartNode } from '../../src/chain/index.ts';
import { isHidden } from '../../src/chain/index.ts';
import type { Lines } from '../../src/diag/index.ts';
import { type Binding, describePin } from '../../src/dynamic/index.ts';
import type { Counters } from '../../src/link/index.ts';
import { modeWord } from './chain-table.ts';
import { entryJson } from './entry.ts';
import { formatTree, type TreeNode } from './tree.ts';

export function formatOverview({ hooks, objects }: Overview): Lines {
  return formatTree([...hooks.map(hookTree), ...objects.map(objectTree)]);
}

function leaf(text: string): TreeNode {
  return { text, children: [] };
}

function joined(...parts: readonly (string | null)[]): string {
  return parts.filter(part => part !== null && part !== '').join(', ');
}

function hookTree(node: HookNode): TreeNode {
  return {
    text: `${placeText(node)}: ${whatText(node)}`,
    children: [
      ...node.parts.map(partTree),
      ...mapsLeaf(node.maps),
      ...node.bindings.map(bindingLeaf),
      ...node.problems.map(({ message }) => leaf(`problem: ${message}`)),
    ],
  };
}

/** `eth0 xdp (native)`, `eth0 tc ingress`, `kprobe do_unlinkat`. */
function placeText({ kind, place, interface: on, mode }: HookNode): string {
  if (on === null) return place.startsWith(kind) ? place : `${kind} ${place}`;
  const words = [on.interface, kind, on.direction, mode === null ? null : `(${modeWord(mode)})`];
  return words.filter(word => word !== null).join(' ');
}

function whatText({ what, via, entry, generation, file, program, state }: HookNode): string {
  const named =
    program === null ? null : isHidden(program) ? 'not visible' : `${program.name} (id ${program.id})`;
  const kept = entry === null ? null : `entry ${entry}, generation ${generation}`;
  if (what === 'foreign') return joined('program of another tool', named);
  if (what === 'chain') return joined(`${via} chain`, kept, named);
  const isRunning = state === null || state.startsWith('runs');
  return joined(
    what === 'rootlet' ? `rootlet, slots ${via}` : 'program',
    kept,
    file,
    named,
    isRunning ? null : state,
  );
}

function partTree(part: PartNode): TreeNode {
  return { text: partText(part), children: mapsLeaf(part.maps) };
}

function partText({ slot, name, program, file, version, priority, lost, counters }: PartNode): string {
  if (slot !== null && name === null) return `slot ${slot}: its own code`;
  const code = file === null ? program : program === null ? file : `${file}:${program}`;
  const which = version === null ? name : `${name} (outgoing version ${version})`;
  const text = joined(
    code === null ? 'loaded by another tool' : code,
    priority === null ? null : `priority ${priority}`,
    lost === null ? null : `does not run: ${lost}`,
    counters === null ? null : countersText(counters),
  );
  return slot === null ? `${which}: ${text}` : `slot ${slot}: ${which}, ${text}`;
}

/** `12 packets: DROP 2, PASS 10` */
function countersText({ packets, verdicts }: Counters): string {
  const some = verdicts.filter(verdict => verdict.packets > 0n);
  return `${packets} packets${some.length === 0 ? '' : ': '}${some.map(one => `${one.name} ${one.packets}`).join(', ')}`;
}

function mapsLeaf(maps: readonly MapNode[]): TreeNode[] {
  if (maps.length === 0) return [];
  return [leaf(`maps: ${maps.map(({ name, id }) => `${describePin(name)} (id ${id})`).join(', ')}`)];
}

function bindingLeaf({ extern, provider, target, via, of }: Binding): TreeNode {
  const name = of === '' ? extern : `${extern} (of ${of})`;
  if (provider === '') return leaf(`extern ${name}: open`);
  return leaf(`extern ${name}: ${provider}:${target} (${via === 'share' ? 'in place' : via})`);
}

function objectTree(node: ObjectNode): TreeNode {
  return {
    text: `object ${node.name}: ${node.file}, generation ${node.generation}`,
    children: [
      ...node.programs.map(({ name, id }) => leaf(`program ${describePin(name)} (id ${id})`)),
      ...node.exports.map(({ kind, name, users }) => ({
        text: `exports ${kind} ${name}`,
        children: users.map(({ kind: of, entry, extern, via }) =>
          leaf(`used by ${of} ${entry} as ${extern} (${via === 'share' ? 'in place' : via})`),
        ),
      })),
      ...mapsLeaf(node.maps),
      ...node.bindings.map(bindingLeaf),
      ...node.problems.map(({ message }) => leaf(`problem: ${message}`)),
    ],
  };
}

// --- JSON ---------------------------------------------------------------------------------------------------------

export function overviewJson({ hooks, objects, broken }: Overview): Readonly<Record<string, unknown>> {
  return { hooks: hooks.map(hookJson), objects, broken: broken.map(entryJson) };
}

function hookJson(node: HookNode): Readonly<Record<string, unknown>> {
  const { interface: on, parts } = node;
  return {
    ...node,
    interface:
      on === null
        ? null
        : { name: on.interface, ifindex: on.ifindex, netns: on.netns, direction: on.direction },
    parts: parts.map(part => ({
      ...part,
      counters: part.counters === null ? null : countersJson(part.counters),
    })),
  };
}

function countersJson({ packets, bytes, verdicts }: Counters): Readonly<Record<string, unknown>> {
  return {
    packets,
    bytes,
    verdicts: verdicts.map(({ name, packets: count }) => ({ verdict: name, packets: count })),
  };
}
