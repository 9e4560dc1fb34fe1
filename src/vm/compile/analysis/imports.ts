/**
 * The imports of a compiled module: one for each pair of a helper and the map it is called with, so that a
 * call with a known map goes straight to that map's code.
 */

import type { Helper } from '../../helpers/index.ts';
import { F64, I32, type ModuleBuilder, type ValueType } from '../../wasm/index.ts';
import { HELPER_MODULE } from './names.ts';

export interface HelperImport {
  /** Field name inside of `HELPER_MODULE`. */
  readonly name: string;
  readonly helper: Helper;
  /** Number of the map; null when it is passed at each call, or the helper takes none. */
  readonly map: number | null;
  /** Arguments that are passed. */
  readonly arity: number;
}

export class ImportTable {
  readonly #module: ModuleBuilder;
  readonly #imports = new Map<string, HelperImport>();

  constructor(module: ModuleBuilder) {
    this.#module = module;
  }

  /** Index of the import that runs `helper`, on that map when it is known. */
  index(helper: Helper, map: number | null): number {
    const name = `${helper.id} ${map ?? '*'}`;
    const params = passedParams(helper, map !== null);
    this.#imports.set(name, { name, helper, map, arity: params.length });
    const type = this.#module.type(params, [helper.returns === 'f64' ? F64 : I32]);
    return this.#module.importFunction(HELPER_MODULE, name, type);
  }

  all(): readonly HelperImport[] {
    return [...this.#imports.values()];
  }
}

/**
 * Whether the call passes its site as the last argument, so that a map that does not fit the helper can be
 * reported. A helper with a site of its own looks at its map itself.
 */
export function needsMapSite(helper: Helper, mapKnown: boolean): boolean {
  return !mapKnown && helper.args.includes('map') && helper.extra !== 'site';
}

/** Types of what is passed for a helper's arguments. */
function passedParams(helper: Helper, mapKnown: boolean): ValueType[] {
  const params: ValueType[] = [];
  for (const kind of helper.args) {
    if (kind === 'context' || kind === 'ignored' || (kind === 'map' && mapKnown)) continue;
    params.push(I32);
    if (kind === 'u64') params.push(I32);
  }
  if (helper.extra !== null) params.push(I32);
  if (needsMapSite(helper, mapKnown)) params.push(I32);
  return params;
}
