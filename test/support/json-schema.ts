/**
 * Documents against JSON schemas: the keywords that the schemas in docs/schema/ use. A keyword that is not known here is an
 * error, so that no schema is checked by halves.
 */

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

type Check = (
  value: unknown,
  argument: unknown,
  at: string,
  root: JsonSchema,
  schema: JsonSchema,
) => string[];

/** What is wrong with a document, by place; empty if nothing is. */
export function schemaErrors(document: unknown, root: JsonSchema): string[] {
  return check(document, root, '$', root);
}

function check(value: unknown, schema: unknown, at: string, root: JsonSchema): string[] {
  if (!isObject(schema)) throw new Error(`${at}: the schema is not an object`);
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    const rule = CHECKS.get(keyword);
    if (rule === undefined) throw new Error(`${at}: the keyword ${keyword} is not known`);
    return rule(value, argument, at, root, schema);
  });
}

const none: Check = () => [];

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['$schema', none],
  ['$defs', none],
  ['$id', none],
  ['title', none],
  ['description', none],
  ['$ref', (value, target, at, root) => check(value, referred(root, String(target)), at, root)],
  ['const', (value, wanted, at) => (value === wanted ? [] : [`${at} is not ${JSON.stringify(wanted)}`])],
  [
    'enum',
    (value, all, at) => (listOf(all).includes(value) ? [] : [`${at} is not one of ${JSON.stringify(all)}`]),
  ],
  [
    'type',
    (value, types, at) =>
      [types].flat().some(type => hasType(value, type))
        ? []
        : [`${at} is not of type ${JSON.stringify(types)}`],
  ],
  [
    'oneOf',
    (value, all, at, root) => {
      const found = listOf(all).map(one => check(value, one, at, root));
      const fitting = found.filter(errors => errors.length === 0).length;
      return fitting === 1 ? [] : [`${at} is ${fitting} of ${found.length} alternatives`, ...found.flat()];
    },
  ],
  [
    'minimum',
    (value, least, at) => (typeof value !== 'number' || value >= Number(least) ? [] : [`${at} is too small`]),
  ],
  [
    'minItems',
    (value, least, at) =>
      !Array.isArray(value) || value.length >= Number(least) ? [] : [`${at} is too short`],
  ],
  [
    'pattern',
    (value, text, at) =>
      typeof value !== 'string' || new RegExp(String(text)).test(value) ? [] : [`${at} is not like ${text}`],
  ],
  [
    'items',
    (value, schema, at, root) =>
      Array.isArray(value) ? value.flatMap((one, index) => check(one, schema, `${at}[${index}]`, root)) : [],
  ],
  [
    'properties',
    (value, schemas, at, root) =>
      isObject(value) && isObject(schemas)
        ? Object.entries(schemas).flatMap(([name, schema]) =>
            Object.hasOwn(value, name) ? check(value[name], schema, `${at}.${name}`, root) : [],
          )
        : [],
  ],
  [
    'required',
    (value, names, at) =>
      isObject(value)
        ? listOf(names).flatMap(name => (Object.hasOwn(value, String(name)) ? [] : [`${at} has no ${name}`]))
        : [],
  ],
  [
    'additionalProperties',
    (value, allowed, at, _root, { properties }) => {
      if (allowed !== false || !isObject(value)) return [];
      const known = isObject(properties) ? properties : {};
      return Object.keys(value).flatMap(name =>
        Object.hasOwn(known, name) ? [] : [`${at}.${name} is not known`],
      );
    },
  ],
]);

function referred(root: JsonSchema, reference: string): unknown {
  const path = reference.replace(/^#\//, '').split('/');
  return path.reduce<unknown>((schema, name) => (isObject(schema) ? schema[name] : undefined), root);
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('a keyword of the schema needs a list');
  return value;
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      return typeof value === type;
  }
}
