/** Attachments as entries of the store: what is kept of them, and opening them again. */

import { RootletError } from '../src/diag/index.ts';
import { Attachment } from '../src/kernel/attachment.ts';
import { TcFilter } from '../src/kernel/tc.ts';
import type { LoadedObject } from '../src/load/index.ts';
import type { Contents, JsonObject, JsonValue, Store, StoreEntry } from '../src/store/index.ts';
import type { HookRequest, Lasting } from './attaching.ts';
import { filterOf, HOOK_LINK, ownNetns } from './hook-state.ts';
import { fieldsOf, textOf } from './json-fields.ts';
import { now, type ObjectInput } from './loading.ts';

/** What `Store.save` gets for an attachment. */
export function hookContents(
  input: ObjectInput,
  loaded: LoadedObject,
  attached: Lasting,
  data: JsonObject,
): Contents {
  return {
    source: input.source,
    time: now(),
    programs: loaded.programs,
    maps: loaded.maps,
    links: attached instanceof Attachment ? new Map([[HOOK_LINK, attached]]) : new Map(),
    files: input.files,
    data,
  };
}

/** Data of the record: where the program is, and where its variables lie. */
export function hookData(
  loaded: LoadedObject,
  attached: Lasting,
  hook: HookRequest,
  program: string,
): JsonObject {
  return {
    attach: { kind: hook.kind, target: hook.target, program, place: attached.place },
    ...(attached instanceof TcFilter ? { filter: filterData(attached, hook) } : {}),
    variables: variablesOf(loaded),
  };
}

function filterData(filter: TcFilter, hook: HookRequest): JsonObject {
  return {
    interface: String(hook.place.interface ?? ''),
    direction: filter.direction,
    priority: filter.priority,
    handle: filter.handle,
    netns: ownNetns(),
  };
}

/** `section → [[name, offset, size], …]`: two programs with the same share their state. */
export function variablesOf(loaded: LoadedObject): JsonObject {
  const sections = new Map<string, JsonValue[]>();
  for (const { name, section, offset, size } of loaded.plan.globals) {
    const list = sections.get(section) ?? [];
    list.push([name, offset, size]);
    sections.set(section, list);
  }
  return Object.fromEntries(sections);
}

export interface HookFacts {
  readonly kind: string;
  readonly target: string;
  readonly program: string;
  readonly place: string;
}

/** Facts of a record; its data are somebody else's until they are looked at. */
export function hookFacts(entry: StoreEntry): HookFacts {
  const { attach } = entry.record.data;
  const { kind, target, program, place } = fieldsOf(attach);
  return {
    kind: textOf(kind),
    target: textOf(target),
    program: textOf(program),
    place: textOf(place),
  };
}

/** File of the attachment below the entry's folder; reading that of an iterator runs it. */
export function hookPin(entry: StoreEntry): string {
  return entry.record.links.find(({ name }) => name === HOOK_LINK)?.pin ?? '';
}

/** The attachment of an entry. Closing an `Attachment` leaves it where it is; closing a `TcFilter` removes it. */
export function openHook(store: Store, entry: StoreEntry): Lasting {
  const { filter } = entry.record.data;
  return filter === undefined ? store.openLink(entry, HOOK_LINK) : filterOf(store, entry);
}

/** Takes the program off its hook and lets go of the entry. */
export function removeHook(store: Store, entry: StoreEntry, force: boolean): void {
  try {
    const attached = openHook(store, entry);
    if (attached instanceof TcFilter) attached.close();
    else detachNow(attached);
  } catch (error) {
    const gone =
      error instanceof RootletError && (error.code === 'kernel-no-interface' || error.code === 'store-pin');
    if (!gone && !force) throw error;
  }
  store.remove(entry);
}

/** Even if somebody else holds the attachment; kinds that do not know this end with their last holder. */
function detachNow(attachment: Attachment): void {
  try {
    attachment.detach();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
  } finally {
    attachment.close();
  }
}
