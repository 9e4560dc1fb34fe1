/**
 * Which programs of the store can have printed a line: the kernel does not tell, but their format strings are in their
 * read-only data, under the name of the function that prints.
 */

import { RootletError } from '../../diag/index.ts';
import type { Store, StoreEntry } from '../../store/index.ts';
import { sectionBytes } from './read.ts';
import { EntryView } from './view.ts';

/** A function of an entry that prints. */
export interface Printer {
  readonly entry: Pick<StoreEntry, 'kind' | 'name'>;
  /** Null where the component is the entry itself. */
  readonly component: string | null;
  readonly function: string;
  readonly format: string;
}

/** As `bpf_printk` of libbpf names its format. */
const FORMAT = /^(.+)\.____fmt(?:\.\d+)?$/;

/** All formats in the entries that can be read. */
export function printersOf(store: Store): Printer[] {
  return store.list().flatMap(entry => (entry.kind === 'broken' ? [] : printersIn(store, entry)));
}

function printersIn(store: Store, entry: StoreEntry): Printer[] {
  try {
    using view = EntryView.open(store, entry);
    return view.variables.flatMap((variable): Printer[] => {
      const name = FORMAT.exec(variable.variable)?.[1];
      if (name === undefined) return [];
      const bytes = sectionBytes(variable.in).subarray(variable.offset, variable.offset + variable.size);
      const format = new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
      return [{ entry, component: variable.component, function: name, format }];
    });
  } catch (error) {
    if (error instanceof RootletError) return []; // it goes away at this moment
    throw error;
  }
}

/** Conversions of bpf_trace_printk(), with their flags and widths. */
const CONVERSION = /%%|%[-+ #0]*\d*(?:\.\d+)?(?:ll|l|h|hh)?(?:p[A-Za-z0-9]*|[a-zA-Z])/g;

/** Whether a line can be of a format. */
export function canPrint(format: string, text: string): boolean {
  let pattern = '';
  let last = 0;
  for (const { 0: conversion, index } of format.matchAll(CONVERSION)) {
    pattern += escaped(format.slice(last, index)) + (conversion === '%%' ? '%' : '.*');
    last = index + conversion.length;
  }
  pattern += escaped(format.slice(last).replace(/\n$/, ''));
  return new RegExp(`^${pattern}$`, 's').test(text);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Those that can have printed a line: of several, the ones with the longest fixed text. */
export function printersOfLine(printers: readonly Printer[], text: string): readonly Printer[] {
  const fitting = printers.filter(({ format }) => canPrint(format, text));
  const most = Math.max(0, ...fitting.map(fixedLength));
  return fitting.filter(printer => fixedLength(printer) === most);
}

function fixedLength({ format }: Printer): number {
  return format.replace(CONVERSION, '').length;
}
