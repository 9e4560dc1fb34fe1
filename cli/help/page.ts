/**
 * The page of a command as data: what help prints, manual pages contain and completion offers. It is made of the
 * parameters that the parser itself uses and of the table of topics, so that there is nothing to keep in step.
 */

import type { Command, CommandContext } from '@stricli/core';
import { given } from '../../src/bytes/index.ts';
import { kebab } from '../flags/spelling.ts';
import { SECTIONS, type Section, sectionOf } from './sections.ts';
import { type Example, topicOf } from './topics.ts';

type Parameters = Command<CommandContext>['parameters'];
type Flag = NonNullable<Parameters['flags']>[string];
type Positional = NonNullable<Parameters['positional']>;

/** An option. */
export interface OptionHelp {
  /** Name that the parser knows it by. */
  readonly key: string;
  /** `o`, without the hyphen. */
  readonly short?: string;
  /** `gc-sections`, without hyphens. */
  readonly long: string;
  /** Whether `--no-NAME` exists, too. */
  readonly isNegated: boolean;
  /** Name of the value in capitals, or the words of which it is one: `ext|tail|copy`. */
  readonly value?: string;
  /** The words of which the value is one. */
  readonly words?: readonly string[];
  readonly isRepeated: boolean;
  readonly brief: string;
}

export interface ArgumentHelp {
  readonly name: string;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
  readonly brief: string;
}

/** Options of a section, in the order of the command. */
export interface SectionHelp {
  readonly title: Section;
  readonly options: readonly OptionHelp[];
}

export interface Page {
  /** `link`, or `xdp load`. */
  readonly command: string;
  readonly brief: string;
  readonly description: string;
  /** What follows the name of the command on a command line. */
  readonly usage: string;
  readonly arguments: readonly ArgumentHelp[];
  readonly sections: readonly SectionHelp[];
  readonly examples: readonly Example[];
  /** Files of the package. */
  readonly docs: readonly string[];
}

/** A group of commands, `rootlet GROUP COMMAND`. */
export interface GroupPage {
  readonly command: string;
  readonly brief: string;
  readonly description: string;
  readonly commands: readonly Page[];
}

const HELP: OptionHelp = {
  key: 'help',
  short: 'h',
  long: 'help',
  isNegated: false,
  isRepeated: false,
  brief: 'Print this page',
};

/** What is documented of a command. `words` is its name on a command line. */
export function pageOf(words: string, command: Command<CommandContext>): Page {
  const { parameters, brief, fullDescription } = command;
  const all = [...optionsOf(parameters), HELP];
  const { examples, docs, usage } = topicOf(words);
  const positional = argumentsOf(parameters.positional);
  return {
    command: words,
    brief,
    description: fullDescription ?? `${brief}.`,
    usage: `[OPTION]... ${usage ?? positional.map(argumentText).join(' ')}`.trimEnd(),
    arguments: positional,
    sections: SECTIONS.flatMap(title => sectionHelp(words, title, all)),
    examples,
    docs,
  };
}

function sectionHelp(words: string, title: Section, all: readonly OptionHelp[]): SectionHelp[] {
  const options = all.filter(({ key }) => sectionOf(words, key) === title);
  return options.length === 0 ? [] : [{ title, options }];
}

/** `[IFACE]`, `FILE...`. */
export function argumentText({ name, isOptional, isRepeated }: ArgumentHelp): string {
  const text = `${name}${isRepeated ? '...' : ''}`;
  return isOptional ? `[${text}]` : text;
}

/** Every option of a command that is documented. */
export function optionsOf({ flags = {}, aliases = {} }: Parameters): OptionHelp[] {
  return Object.entries(flags)
    .filter(([, flag]) => !('hidden' in flag && flag.hidden === true))
    .map(([key, flag]) => {
      const short = Object.entries(aliases).find(([, name]) => name === key)?.[0];
      return {
        key,
        ...given({ short }),
        long: kebab(key),
        isNegated: isNegated(flag),
        ...valueHelp(flag),
        isRepeated: 'variadic' in flag && flag.variadic !== undefined && flag.variadic !== false,
        brief: briefOf(flag),
      };
    });
}

/** The parser also takes `--no-NAME` for flags without a default, and for those that are on by default. */
function isNegated(flag: Flag): boolean {
  if (flag.kind !== 'boolean' || flag.withNegated === false) return false;
  return flag.default !== false;
}

function valueHelp(flag: Flag): Pick<OptionHelp, 'value' | 'words'> {
  if (flag.kind === 'boolean' || flag.kind === 'counter') return {};
  if (flag.kind === 'enum') return { value: flag.values.join('|'), words: flag.values };
  return { value: flag.placeholder ?? 'VALUE' };
}

/** With the default, where the text does not say it. */
function briefOf(flag: Flag): string {
  const { brief } = flag;
  if (brief.includes('default')) return brief;
  if (flag.kind === 'boolean') return flag.default === true ? `${brief} (default)` : brief;
  const value = 'default' in flag ? flag.default : undefined;
  return value === undefined ? brief : `${brief} (default: ${String(value)})`;
}

function argumentsOf(positional: Positional | undefined): ArgumentHelp[] {
  if (positional === undefined) return [];
  if (positional.kind === 'array') {
    const { parameter, minimum } = positional;
    const names = (parameter.placeholder ?? 'ARGUMENT').split(' ');
    return names.map((name, at) => ({
      name,
      isOptional: minimum === undefined && at > 0,
      isRepeated: at === names.length - 1,
      brief: at === names.length - 1 ? parameter.brief : '',
    }));
  }
  return positional.parameters.map(({ placeholder, brief, optional }) => ({
    name: placeholder ?? 'ARGUMENT',
    isOptional: optional === true,
    isRepeated: false,
    brief,
  }));
}
