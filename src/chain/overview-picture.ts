/**
 * What is loaded and attached as a picture: hooks with chains, rootlets and programs, their members and slots, maps, and
 * loaded objects with those who use them. A map that several use is one node, because it is one map of the kernel.
 */

import { counted, type Limits } from '../diag/index.ts';
import { type Binding, describePin } from '../dynamic/index.ts';
import {
  boundedPicture,
  edge,
  type NodeKind,
  node,
  type Picture,
  type PictureEdge,
  type PictureNode,
} from '../picture/index.ts';
import { isHidden } from './facts/index.ts';
import type { HookNode, MapNode, ObjectNode, Overview, PartNode } from './overview.ts';

/** The overview as a picture; without maps where the limit `picture` asks for that. Throws `picture-limit`. */
export function overviewPicture(overview: Overview, limits?: Limits): Picture {
  const drawings = [
    { without: '', draw: () => new Drawn(overview, true).picture },
    { without: 'maps', draw: () => new Drawn(overview, false).picture },
  ];
  return boundedPicture(drawings, {
    limits,
    where: ['status'],
    instead: '"rootlet status" prints it as a tree',
  });
}

class Drawn {
  readonly #nodes = new Map<string, PictureNode>();
  readonly #edges: PictureEdge[] = [];
  /** Nodes of maps that objects export. */
  readonly #exportedMaps = new Map<string, string>();
  readonly #withMaps: boolean;
  readonly picture: Picture;

  constructor(overview: Overview, withMaps: boolean) {
    this.#withMaps = withMaps;
    overview.hooks.forEach((hook, at) => {
      this.#addHook(hook, at);
    });
    for (const object of overview.objects) this.#addObject(object);
    this.#bindAll(overview);
    const { hooks, objects, broken } = overview;
    this.picture = {
      title: 'rootlet status',
      details: [`${counted(hooks.length, 'hook')} in use, ${counted(objects.length, 'loaded object')}`],
      direction: 'right',
      nodes: [...this.#nodes.values()],
      edges: this.#edges,
      clusters: [],
      marked: null,
      notes: broken.map(({ name }) => `entry ${name}: its record cannot be read`),
    };
  }

  #add(added: PictureNode): string {
    if (!this.#nodes.has(added.id)) this.#nodes.set(added.id, added);
    return added.id;
  }

  #addHook(hook: HookNode, at: number): void {
    const place = this.#add(node(`hook ${at}`, 'hook', placeOf(hook), hook.mode === null ? [] : [hook.mode]));
    const what = this.#add(node(whatId(at), hookKind(hook), whatLabel(hook), whatDetails(hook)));
    this.#edges.push(edge(place, what, 'run'));
    hook.parts.forEach((part, position) => {
      this.#addPart(what, part, `${at} ${position}`, position);
    });
    this.#addMaps(what, hook.maps);
  }

  #addPart(what: string, part: PartNode, id: string, position: number): void {
    const { slot, name, maps } = part;
    const start = slot === null ? what : this.#add(slotNode(slot, id, name));
    if (slot !== null) this.#edges.push(edge(what, start, 'call'));
    if (slot !== null && name === null) return;
    const kind: NodeKind = part.lost === null ? 'program' : 'discarded';
    const component = this.#add(node(`part ${id}`, kind, name ?? '?', partDetails(part)));
    this.#edges.push(edge(start, component, 'run', slot === null ? String(position + 1) : ''));
    this.#addMaps(component, maps);
  }

  #addMaps(user: string, maps: readonly MapNode[]): void {
    if (!this.#withMaps) return;
    for (const { name, id } of maps) {
      const map = this.#add(node(`map ${id}`, 'map', describePin(name), [`id ${id}`]));
      this.#edges.push(edge(user, map, 'use'));
    }
  }

  #addObject({ name, generation, file, programs, exports, maps, problems }: ObjectNode): void {
    const details = [file, `generation ${generation}`, ...problems.map(({ message }) => message)];
    const object = this.#add(node(`object ${name}`, 'object', name, details));
    for (const { id, name: program } of programs) {
      const at = this.#add(node(`program ${id}`, 'program', describePin(program), [`id ${id}`]));
      this.#edges.push(edge(object, at, 'run'));
    }
    this.#addMaps(object, maps);
    for (const { kind, name: exported } of exports) {
      const map = kind === 'map' && this.#withMaps ? maps.find(one => one.name === exported) : undefined;
      if (map !== undefined) this.#exportedMaps.set(exportId(name, exported), `map ${map.id}`);
      else this.#edges.push(edge(object, this.#addExport(name, exported, kind, 'exported'), 'use'));
    }
  }

  #addExport(object: string, name: string, kind: Binding['kind'], text: string): string {
    return this.#add(node(exportId(object, name), kind, name, [text]));
  }

  #bindAll({ hooks, objects }: Overview): void {
    hooks.forEach(({ bindings }, at) => {
      for (const binding of bindings) this.#bind(whatId(at), binding);
    });
    for (const { name, bindings } of objects)
      for (const binding of bindings) this.#bind(`object ${name}`, binding);
  }

  #bind(user: string, { extern, provider, target, via, kind }: Binding): void {
    if (provider === '') {
      const open = this.#add(node(`open ${user} ${extern}`, 'extern', extern, ['not bound yet']));
      this.#edges.push(edge(user, open, 'bind'));
      return;
    }
    const id = exportId(provider, target);
    const to = this.#exportedMaps.get(id) ?? this.#addExport(provider, target, kind, `of ${provider}`);
    const how = via === 'share' ? 'in place' : via;
    this.#edges.push(edge(user, to, 'bind', extern === target ? how : `${extern}, ${how}`));
  }
}

function whatId(at: number): string {
  return `what ${at}`;
}

function exportId(object: string, name: string): string {
  return `export ${object}\0${name}`;
}

function placeOf({ kind, place, interface: on }: HookNode): string {
  if (on === null) return place.startsWith(kind) ? place : `${kind} ${place}`;
  return [on.interface, kind, ...(on.direction === null ? [] : [on.direction])].join(' ');
}

function hookKind({ what }: HookNode): NodeKind {
  return what === 'chain' || what === 'rootlet' ? 'chain' : 'program';
}

function whatLabel({ what, entry, program }: HookNode): string {
  if (entry !== null) return entry;
  return program === null || isHidden(program) ? what : program.name;
}

function whatDetails({ what, via, entry, generation, file, program, state, problems }: HookNode): string[] {
  const isRunning = state === null || state.startsWith('runs');
  return [
    what === 'foreign' ? 'program of another tool' : via === null ? what : `${what}, ${via}`,
    ...(program === null ? [] : [isHidden(program) ? 'not visible' : `${program.name}, id ${program.id}`]),
    ...(entry === null || generation === null ? [] : [`generation ${generation}`]),
    ...(file === null ? [] : [file]),
    ...(isRunning ? [] : [state]),
    ...problems.map(({ message }) => message),
  ];
}

function slotNode(slot: string, id: string, component: string | null): PictureNode {
  return node(`slot ${id}`, 'slot', slot, component === null ? ['its own code'] : []);
}

function partDetails({ program, file, version, priority, lost, counters }: PartNode): string[] {
  const code = [file, program].filter(word => word !== null).join(':');
  return [
    code === '' ? 'loaded by another tool' : code,
    ...(version === null ? [] : [`outgoing version ${version}`]),
    ...(priority === null ? [] : [`priority ${priority}`]),
    ...(counters === null ? [] : [counted(counters.packets, 'packet')]),
    ...(lost === null ? [] : [`does not run: ${lost}`]),
  ];
}
