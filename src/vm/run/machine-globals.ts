/** Global variables of a machine by name and type: the values of the maps of their sections. */

import { valueAt } from '../../bytes/index.ts';
import { type BpfObject, type GlobalPlace, type SectionBytes, SectionGlobals } from '../../object/index.ts';
import type { MachineMap } from './machine-map.ts';

const KEY = new Uint8Array(4);

/** Named variables of all sections. */
export function machineGlobals(
  object: Pick<BpfObject, 'btf' | 'byteOrder'>,
  maps: ReadonlyMap<string, MachineMap>,
): SectionGlobals<GlobalPlace> {
  const places: GlobalPlace[] = [];
  const sections = new Map<string, SectionBytes>();
  for (const [section, map] of maps) {
    if (map.variables === null) continue;
    sections.set(section, new Section(map));
    for (const { name, offset, size, btfId } of map.variables)
      if (name !== '') places.push({ name, section, offset, size, type: btfId });
  }
  return new SectionGlobals(places, object.btf, object.byteOrder, ({ section }) =>
    valueAt(sections, section),
  );
}

class Section implements SectionBytes {
  readonly #map: MachineMap;

  constructor(map: MachineMap) {
    this.#map = map;
  }

  read(): Uint8Array {
    return this.#map.lookup(KEY) ?? new Uint8Array(this.#map.definition.valueSize);
  }

  write(change: (bytes: Uint8Array) => void): void {
    const bytes = this.read();
    change(bytes);
    this.#map.update(KEY, bytes);
  }
}
