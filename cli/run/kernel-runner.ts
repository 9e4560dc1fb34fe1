/** Programs of an object run by the kernel on packets: load once, `BPF_PROG_TEST_RUN` for each packet. */

import { elementAt, given } from '../../src/bytes/index.ts';
import {
  addFrame,
  available,
  counted,
  inputError,
  type Limits,
  quote,
  RootletError,
  usageError,
} from '../../src/diag/index.ts';
import { elementsOf } from '../../src/dynamic/index.ts';
import { type BpfMap, openSys } from '../../src/kernel/index.ts';
import { type LoadedObject, loadObject } from '../../src/load/index.ts';
import {
  type BpfObject,
  layoutSections,
  type MapDefinition,
  parseMapDefinition,
  plainDefinition,
  programsOf,
  programTypeOf,
  sectionNameOf,
  sectionOf,
  suggestSectionName,
  withProgramTypes,
} from '../../src/object/index.ts';
import { kindOfSection, type MapContents, type ProgramKind } from '../../src/vm/index.ts';
import { withVerifierLog } from '../io/verifier-log.ts';
import { componentsToRun, type PacketRunner } from './runner.ts';

export interface KernelRunOptions {
  readonly program?: string;
  /** Map name → max_entries instead of the one in the object. */
  readonly maxEntries: ReadonlyMap<string, number>;
  /** File for the verifier's whole log, whether it accepts the programs or not. */
  readonly verifierLog?: string;
  /** Text of a kernel configuration, which overrides the kernel's. */
  readonly kconfig?: string;
  readonly limits?: Limits;
}

/** The smallest packet that the kernel runs programs on: an Ethernet header. */
const MIN_PACKET = 14;

/** Loads the object; a refused program leaves its log in `verifierLog`. */
export function openKernelRunner(input: BpfObject, options: KernelRunOptions): PacketRunner {
  const object = withOldNames(input);
  const loaded = load(object, options);
  try {
    const program = programToRun(loaded, options.program);
    return {
      engine: 'kernel',
      program,
      kind: kindOf(object, program),
      notes: [...loaded.notes, ...untold(object, program)],
      components: [],
      decidedBy: () => null,
      run(packet) {
        if (packet.length < MIN_PACKET) {
          throw inputError(
            'run-short-packet',
            [],
            `is ${packet.length} byte(s) long; the minimum in the kernel is ${MIN_PACKET}`,
            {
              hint: 'leave it out, or run without --kernel',
            },
          );
        }
        return loaded.testRun(program, packet);
      },
      maps: () => [...loaded.maps].map(([name, map]) => contentsOf(object, name, map)),
      trace: () => [],
      forgottenLines: () => 0,
      coverage: () => null,
      close: () => loaded.close(),
    };
  } catch (error) {
    loaded.close();
    throw error;
  }
}

function untold(object: BpfObject, program: string): string[] {
  const { names } = componentsToRun(object, program);
  return names.length < 2
    ? []
    : [
        `the kernel does not say which of ${counted(names.length, 'component')} decided; the machine does, without --kernel`,
      ];
}

/** What a map shows: its definition, or for a section of globals the variables in it. */
function contentsOf(object: BpfObject, name: string, map: BpfMap): MapContents {
  const symbol = object.symbols.find(candidate => candidate.kind === 'map' && candidate.name === name);
  const definition =
    symbol?.kind === 'map' ? parseMapDefinition(object, symbol) : globalsDefinition(name, map);
  return {
    name,
    definition,
    variables: symbol === undefined ? variablesOf(object, name) : null,
    ...elementsOf(map),
  };
}

function globalsDefinition(name: string, map: BpfMap): MapDefinition {
  const { type, keySize, valueSize, maxEntries } = map;
  return plainDefinition({ name, type, keySize, valueSize, maxEntries });
}

function variablesOf(object: BpfObject, section: string): NonNullable<MapContents['variables']> {
  const layout = layoutSections(object);
  return object.symbols.flatMap((symbol, index) => {
    if (symbol.kind !== 'variable' || symbol.name === '' || sectionOf(object, symbol)?.name !== section)
      return [];
    return [
      { name: symbol.name, offset: elementAt(layout.offsets, index), size: symbol.size, btfId: symbol.btfId },
    ];
  });
}

function load(object: BpfObject, options: KernelRunOptions): LoadedObject {
  const { program, kconfig, limits } = options;
  const programs = program === undefined ? undefined : (name: string) => name === program;
  return withVerifierLog(options.verifierLog, logging =>
    loadObject(object, openSys(), {
      pinRoot: null,
      maxEntries: options.maxEntries,
      ...given({ programs, kconfig, limits }),
      ...logging,
    }),
  );
}

/** Programs in sections with names that libbpf no longer accepts (`xdp_foo`, `xdp/foo`), as the machine runs them. */
function withOldNames(object: BpfObject): BpfObject {
  const types = programsOf(object).flatMap(({ program }) => {
    const section = sectionNameOf(object, program);
    const meant = programTypeOf(section) === undefined ? suggestSectionName(section) : undefined;
    return meant === undefined ? [] : [[program.name, meant] as const];
  });
  return withProgramTypes(object, new Map(types));
}

function programToRun(loaded: LoadedObject, wanted: string | undefined): string {
  const names = [...loaded.programs.keys()];
  if (wanted !== undefined) {
    loaded.program(wanted);
    return wanted;
  }
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  throw usageError(
    'run-which-program',
    `several programs: choose one with --prog-name; ${available('there are', names)}`,
  );
}

function kindOf(object: BpfObject, name: string): ProgramKind {
  const symbol = object.symbols.find(candidate => candidate.kind === 'function' && candidate.name === name);
  const section = symbol === undefined ? '' : sectionNameOf(object, symbol);
  const kind = kindOfSection(section);
  if (kind !== undefined) return kind;
  throw usageError(
    'run-program-type',
    `program ${quote(name)} in section ${quote(section)} does not run on packets`,
  );
}

/** An error of one packet, prefixed with its number. */
export function atPacket(error: unknown, number: number): unknown {
  return error instanceof RootletError ? addFrame(error, `packet ${number}`) : error;
}
