/** Every pass of the linker, applied to a random program; what comes out must behave as the program built in one. */

import type { ByteOrder } from '../../src/bytes/cursor.ts';
import type { EditOptions, SelectedRename, Selector } from '../../src/link/edit/requests.ts';
import { type LinkOptions, link } from '../../src/link/link.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { stripDataSections } from '../../src/object/write/strip-data-sections.ts';
import { writeObject } from '../../src/object/write/write.ts';
import type { SeededRandom } from '../hostile/random.ts';
import { buildUnits, buildWhole, buildWrapper } from './build.ts';
import { type FunctionEntity, type Model, programsIn, reachedFrom } from './model.ts';

export interface Linked {
  readonly object: BpfObject;
  /** New name of a program. Default the same. */
  readonly programName?: (name: string) => string;
  /** What nothing needs may be gone. */
  readonly collected?: boolean;
  /** Equal static functions may have become one. */
  readonly folded?: boolean;
}

export interface Variant {
  readonly name: string;
  /** Undefined where the model has nothing that the pass could be applied to. Throws when it is refused. */
  readonly apply: (input: VariantInput) => Linked | undefined;
}

export interface VariantInput {
  readonly model: Model;
  readonly order: ByteOrder;
  readonly random: SeededRandom;
  /** One object for each unit. */
  readonly units: readonly BpfObject[];
}

/** The linked object; problems are a failure of the test. */
export function linked(objects: readonly BpfObject[], options: LinkOptions = {}): BpfObject {
  const result = link(objects, options);
  if (result.ok) return result.object;
  throw new Error(
    `link: ${result.problems.map(problem => `${problem.where.join(': ')}: ${problem.message}`).join('\n')}`,
  );
}

export function throughBytes(object: BpfObject): BpfObject {
  return readObject({ name: object.name, bytes: writeObject(object) });
}

type Entity = Model['functions'][number] | Model['variables'][number] | Model['maps'][number];

function entitiesOf({ functions, variables, maps }: Model): Entity[] {
  return [...functions, ...variables, ...maps];
}

function isProgram(entity: Entity): boolean {
  return 'role' in entity && entity.role === 'program';
}

/** About half of the global names that `suits` allows. */
function someGlobals({ model, random }: VariantInput, suits: (entity: Entity) => boolean): string[] {
  return entitiesOf(model).flatMap(entity =>
    entity.standing !== 'local' && random.below(2) === 0 && suits(entity) ? [entity.name] : [],
  );
}

const select = (names: readonly string[]): Selector[] => names.map(name => ({ name }));

/** A pass on names of the result, programs excepted. */
function onNames(
  name: string,
  pass: (names: readonly Selector[]) => EditOptions,
  suits: (entity: Entity) => boolean = () => true,
): Variant {
  return {
    name,
    apply(input) {
      const names = someGlobals(input, entity => !isProgram(entity) && suits(entity));
      if (names.length === 0) return undefined;
      return { object: linked(input.units, { edits: pass(select(names)) }) };
    },
  };
}

/** Units other than its own that use something by name. */
function usersOf({ units }: VariantInput, name: string): BpfObject[] {
  return units.filter(unit => unit.symbols.some(symbol => symbol.kind === 'extern' && symbol.name === name));
}

function changedPlaces({ functions, variables }: Model): boolean {
  return [...functions, ...variables].some(
    ({ standing, weakIn }) => standing === 'weak' && weakIn.length > 0,
  );
}

export const VARIANTS: readonly Variant[] = [
  { name: 'link', apply: ({ units }) => ({ object: linked(units) }) },
  {
    name: 'link of files',
    apply: ({ units }) => ({ object: throughBytes(linked(units.map(throughBytes))) }),
  },
  {
    name: 'link in another order',
    apply: ({ model, units }) =>
      changedPlaces(model) ? undefined : { object: linked([...units].reverse()) },
  },
  {
    name: 'partial links',
    apply({ units }) {
      const middle = Math.ceil(units.length / 2);
      const half = (part: readonly BpfObject[], name: string): BpfObject[] =>
        part.length === 0 ? [] : [throughBytes(linked(part, { partial: true, name }))];
      return {
        object: linked([...half(units.slice(0, middle), 'a.o'), ...half(units.slice(middle), 'b.o')]),
      };
    },
  },
  { name: 'link of the linked', apply: ({ units }) => ({ object: linked([throughBytes(linked(units))]) }) },
  {
    name: 'collect',
    apply: ({ units }) => ({ object: linked(units, { gcSections: true }), collected: true }),
  },
  {
    name: 'collect of the linked',
    apply: ({ units }) => ({
      object: throughBytes(linked([throughBytes(linked(units))], { gcSections: true })),
      collected: true,
    }),
  },
  { name: 'redefine', apply: redefine },
  {
    name: 'prefix',
    apply: ({ units }) => ({
      object: linked([linked(units, { name: 'all.o' })], {
        edits: { prefix: [{ file: 'all.o', prefix: 'p_' }] },
      }),
      programName: name => `p_${name}`,
    }),
  },
  onNames(
    'localize',
    localize => ({ localize }),
    entity => !('type' in entity),
  ), // loaders refuse static maps
  onNames('hide', hide => ({ hide })),
  // what has a weak definition elsewhere would lose to it if it came first
  onNames(
    'weaken',
    weaken => ({ weaken }),
    entity => entity.weakIn.length === 0,
  ),
  {
    name: 'keep-global',
    apply({ model, units }) {
      const keepGlobal = select(programsIn(model).map(program => program.name));
      return { object: linked(units, { edits: { keepGlobal } }) };
    },
  },
  { name: 'globalize', apply: globalize },
  { name: 'defsym', apply: alias },
  { name: 'wrap', apply: wrap },
  { name: 'fold-identical', apply: foldIdentical },
  {
    name: 'fold-text',
    apply: ({ model, order }) => ({
      object: linked(buildUnits(model, { byteOrder: order, libraries: true }), { foldText: true }),
    }),
  },
  { name: 'rename sections', apply: input => renameSections(input, section => `${section}_renamed`) },
  { name: 'merge sections', apply: input => renameSections(input, section => section.replace('.extra', '')) },
  { name: 'strip', apply: ({ units }) => ({ object: stripDataSections(linked(units)) }) },
  { name: 'all at once', apply: allAtOnce },
  {
    name: 'round trip of the whole',
    apply: ({ model, order }) => ({
      object: linked([throughBytes(buildWhole(model, { byteOrder: order }))]),
    }),
  },
];

function redefine(input: VariantInput): Linked {
  const statics = input.model.functions
    .filter(({ standing }) => standing === 'local')
    .map(({ name }) => name);
  const names = new Set([
    ...someGlobals(input, () => true),
    ...statics.filter(() => input.random.below(2) === 0),
  ]);
  const renames: SelectedRename[] = [...names].map(from => ({ from, to: `new_${from}` }));
  const present = renames.filter(({ from }) =>
    input.units.some(unit => unit.symbols.some(({ name }) => name === from)),
  );
  return {
    object: linked(input.units, { edits: { redefine: present } }),
    programName: name => (names.has(name) ? `new_${name}` : name),
  };
}

/** Statics whose name nothing else has; callbacks must stay static. */
function globalize({ model, units }: VariantInput): Linked | undefined {
  const names = entitiesOf(model).map(({ name }) => name);
  const chosen = entitiesOf(model).filter(
    entity =>
      entity.standing === 'local' &&
      names.filter(name => name === entity.name).length === 1 &&
      !('role' in entity && entity.role === 'callback'),
  );
  if (chosen.length === 0) return undefined;
  const selectors = chosen.map(({ name, unit }): Selector => ({ name, file: `unit${unit}.o` }));
  return { object: linked(units, { edits: { globalize: selectors } }) };
}

/** One unit calls something by an alias. */
function alias(input: VariantInput): Linked | undefined {
  const used = entitiesOf(input.model).flatMap(entity => {
    const users = entity.standing === 'local' ? [] : usersOf(input, entity.name);
    return users.length === 0 ? [] : [{ name: entity.name, users }];
  });
  if (used.length === 0) return undefined;
  const { name, users } = input.random.pick(used);
  const second = `second_${name}`;
  const file = input.random.pick(users).name;
  const edits = { defsym: [{ name: second, target: name }], redefine: [{ file, from: name, to: second }] };
  return { object: linked(input.units, { edits }) };
}

/** A function that others call gets a wrapper that does nothing but call it. */
function wrap(input: VariantInput): Linked | undefined {
  const used = input.model.functions.filter(
    (entity): entity is FunctionEntity =>
      (entity.role === 'plain' || entity.role === 'context') &&
      entity.standing !== 'local' &&
      usersOf(input, entity.name).length > 0,
  );
  if (used.length === 0) return undefined;
  const entity = input.random.pick(used);
  const wrapper = buildWrapper(input.model, entity, { byteOrder: input.order });
  const object = linked([...input.units, wrapper], { edits: { wrap: [{ name: entity.name }] } });
  const at = object.symbols.findIndex(({ name }) => name === `__wrap_${entity.name}`);
  const calls = object.symbols.some(
    symbol => symbol.kind === 'function' && symbol.references.some(reference => reference.symbol === at),
  );
  if (!calls) throw new Error('the wrapper is not called');
  return { object };
}

/** Equal definitions become one; different ones are refused. */
function foldIdentical({ model, order }: VariantInput): Linked {
  const options = { byteOrder: order, repeated: true };
  const differ = [...model.functions, ...model.variables.filter(({ words }) => words.length > 0)];
  if (differ.some(({ repeatedIn }) => repeatedIn.length > 0)) {
    const result = link(buildUnits(model, { ...options, spoilt: true }), { foldIdentical: true });
    if (result.ok) throw new Error('definitions that differ were folded');
  }
  return { object: linked(buildUnits(model, options), { foldIdentical: true }) };
}

function renameSections({ units }: VariantInput, rename: (name: string) => string): Linked | undefined {
  const names = new Set(units.flatMap(unit => unit.sections.map(section => section.name)));
  const extra = [...names].filter(name => name.includes('.extra')).sort();
  if (extra.length === 0) return undefined;
  return {
    object: linked(units, { edits: { renameSections: extra.map(from => ({ from, to: rename(from) })) } }),
  };
}

/** Several passes in one link, and the result written and collected once more. */
function allAtOnce(input: VariantInput): Linked {
  const { model, order } = input;
  const units = buildUnits(model, { byteOrder: order, repeated: true, libraries: true });
  const programs = programsIn(model).map(program => program.name);
  const first = linked(units, {
    foldIdentical: true,
    foldText: true,
    gcSections: true,
    edits: { redefine: programs.map(from => ({ from, to: `first_${from}` })) },
  });
  const keepGlobal = select(programs.map(name => `first_${name}`));
  const object = linked([throughBytes(first)], { gcSections: true, edits: { keepGlobal } });
  return {
    object: throughBytes(object),
    programName: name => `first_${name}`,
    collected: true,
    folded: true,
  };
}

/** What a collected object has too much or too little, in the model's own opinion; undefined when it is right. */
export function wronglyCollected(model: Model, object: BpfObject, folded = false): string | undefined {
  const reached = reachedFrom(
    model,
    programsIn(model).map(program => program.id),
  );
  const sizes = object.symbols.flatMap(symbol => {
    if (symbol.kind !== 'variable' || symbol.btfId === 0) return [];
    return object.sections[symbol.section]?.name === 'license' ? [] : [symbol.size];
  });
  const expected = [...reached.variables].map(id => model.variables[id]?.size ?? 0);
  const functions = object.symbols.filter(symbol => symbol.kind === 'function').length;
  const maps = object.symbols.filter(symbol => symbol.kind === 'map').length;
  const [found, wanted] = [sizes, expected].map(list => list.sort((a, b) => a - b).join());
  if (found !== wanted) return `variables of ${found} bytes are left instead of ${wanted}`;
  if (folded ? functions > reached.functions.size : functions !== reached.functions.size)
    return `${functions} functions are left instead of ${reached.functions.size}`;
  return maps === reached.maps.size ? undefined : `${maps} maps are left instead of ${reached.maps.size}`;
}
