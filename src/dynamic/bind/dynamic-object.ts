/** An object that was loaded with its externs bound, and that other objects may be bound to. */

import { type Attachment, BpfMap } from '../../kernel/index.ts';
import type { LoadedObject } from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { type Provider, type ProviderImport, Replacements, TailSlots } from '../providers/index.ts';
import type { Binding } from './bindings.ts';

/** A replacement in one of the two stubs of an extern, in one program. */
export interface StubLink {
  readonly extern: string;
  readonly program: string;
  readonly stub: 'a' | 'b';
  readonly link: Attachment;
}

export interface DynamicParts {
  readonly name: string;
  /** The object before its externs were bound. */
  readonly source: BpfObject;
  readonly loaded: LoadedObject;
  readonly bindings: readonly Binding[];
  readonly imports: readonly ProviderImport[];
  readonly stubLinks: readonly StubLink[];
}

/**
 * Closing it closes its descriptors and detaches the replacements in its stubs. Consumers hold their own
 * references.
 */
export class DynamicObject {
  readonly name: string;
  /** The object before its externs were bound. */
  readonly source: BpfObject;
  /** Programs, maps and globals; see `LoadedObject`. */
  readonly loaded: LoadedObject;
  /** What its externs were bound to, in order of symbols. */
  readonly bindings: readonly Binding[];
  /** @internal */
  readonly stubLinks: readonly StubLink[];
  /** This object for others to bind to. */
  readonly provider: Provider;

  /** @internal */
  constructor(parts: DynamicParts) {
    const { name, source, loaded, bindings, imports, stubLinks } = parts;
    this.name = name;
    this.source = source;
    this.loaded = loaded;
    this.bindings = bindings;
    this.stubLinks = stubLinks;
    this.provider = {
      name,
      object: source,
      openMap: map => duplicate(loaded.maps.get(map)),
      imports,
      tail: new TailSlots(),
      replacements: new Replacements(),
    };
  }

  /** Closes the loaded object, and what keeps functions of others in its stubs. */
  close(): void {
    for (const { link } of this.stubLinks) link.close();
    this.provider.tail.close();
    this.provider.replacements.close();
    this.loaded.close();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function duplicate(map: BpfMap | undefined): BpfMap | undefined {
  return map === undefined ? undefined : BpfMap.adopt(map.sys, map.fd.duplicate());
}
