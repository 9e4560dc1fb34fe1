/**
 * The built-in rootlet: a program with exactly as many slots as there are components.
 *
 * The slots are called in order; if its verdict is in the slot's continue-mask, the next slot is called, else
 * it is the verdict of the chain. After the last slot the chain returns a fixed verdict or the last one. On
 * hooks that run all programs whatever they return, so does the chain.
 * There are no unused slots and no limit but the kernel's. The result is an object like that of a compiler,
 * to be re-linked.
 */

import { BtfBuilder, type BtfId, INT } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { counted } from '../../diag/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS } from '../../elf/index.ts';
import { assemble, EXIT, encodeInsns, move, type Step } from '../../isa/index.ts';
import { type BpfObject, type BpfSymbol, CHAIN_SOURCE, type SectionShell } from '../../object/index.ts';
import { withLicense } from '../passes/index.ts';
import { WatchObjects } from '../watch/index.ts';
import { chainSteps } from './chain-code.ts';
import { chainCountsName, chainSlotName } from './chain-names.ts';
import type { ChainOptions } from './chain-options.ts';
import { checksVerdicts, contextOf } from './chain-types.ts';
import { chainWatchSteps, watchedTypeOf } from './chain-watch.ts';

/** A rootlet with the slots `slot1`, `slot2`, …; the slots have no defaults and must all be filled. */
export function makeChain(options: ChainOptions): BpfObject {
  const program = options.program ?? 'chain';
  const sections: SectionShell[] = [codeSection(options.section), codeSection('.text')];
  const types = chainTypes(options, program, sections);
  const { insns, references } = assemble(stepsOf(options));
  const code = encodeInsns(insns, options.byteOrder);
  const origin = { file: 'chain', offset: 0 };
  const base = { binding: 'global', visibility: 'default', origin } as const;
  // a hidden function is verified where it is called, so its verdicts are known there
  const slotBase = checksVerdicts(options.section) ? ({ ...base, visibility: 'hidden' } as const) : base;
  const text = `chain of ${counted(options.slots.length, 'program')}`;
  const symbols: BpfSymbol[] = [
    {
      ...base,
      kind: 'function',
      name: program,
      section: 0,
      code,
      references,
      btfId: types.program,
      lines: [{ insnIndex: 0, file: CHAIN_SOURCE, text, line: 1, column: 1 }],
      coreRecords: [],
    },
    ...types.slots.map(
      (btfId, position): BpfSymbol => slotStub(options.byteOrder, position, btfId, slotBase),
    ),
    ...types.watch,
  ];
  const chain = {
    name: '<chain>',
    byteOrder: options.byteOrder,
    flags: 0,
    sections,
    symbols,
    btf: types.btf,
  };
  return withLicense(chain, options.license ?? null);
}

function codeSection(name: string): SectionShell {
  return { name, type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR, align: 8, entsize: 0, role: 'code' };
}

function stepsOf(options: ChainOptions): Step[] {
  const steps = chainSteps(options);
  return options.watch === undefined ? steps : chainWatchSteps(options, options.watch, steps);
}

function slotStub(
  order: ByteOrder,
  position: number,
  btfId: BtfId,
  base: Pick<BpfSymbol & { readonly kind: 'function' }, 'binding' | 'visibility' | 'origin'>,
): BpfSymbol {
  const code = encodeInsns([move(0, 0), EXIT], order);
  const name = chainSlotName(position);
  const lines = [{ insnIndex: 0, file: CHAIN_SOURCE, text: name, line: position + 2, column: 1 }];
  return {
    ...base,
    binding: 'weak',
    kind: 'function',
    name,
    section: 1,
    code,
    references: [],
    btfId,
    lines,
    coreRecords: [],
  };
}

// --- types --------------------------------------------------------------------------------------------------------

interface ChainTypes {
  readonly btf: BpfObject['btf'];
  readonly program: BtfId;
  readonly slots: readonly BtfId[];
  /** What watching adds to the symbols, in the order that `chainWatchSteps` expects. */
  readonly watch: readonly BpfSymbol[];
}

/**
 * The context struct is only declared; linked with a component, it becomes that component's full definition.
 */
function chainTypes(options: ChainOptions, program: string, sections: SectionShell[]): ChainTypes {
  const btf = new BtfBuilder();
  const int = btf.add(INT);
  const context = btf.add({ kind: 'fwd', name: contextOf(options.section) ?? '', union: false });
  const pointer = btf.add({ kind: 'ptr', type: context });
  const prototype = btf.add({ kind: 'func_proto', returns: int, params: [{ name: 'ctx', type: pointer }] });
  const programId = btf.add({ kind: 'func', name: program, type: prototype, linkage: 'global' });
  const slots = options.slots.map((_, position) =>
    btf.add({ kind: 'func', name: chainSlotName(position), type: prototype, linkage: 'global' }),
  );
  const watch = watchSymbols(options, btf, sections);
  return { btf: btf.build(), program: programId, slots, watch };
}

function watchSymbols(options: ChainOptions, btf: BtfBuilder, sections: SectionShell[]): BpfSymbol[] {
  if (options.watch === undefined) return [];
  const { layout } = watchedTypeOf(options.section);
  const objects = new WatchObjects(btf, 'chain', sections);
  return [
    objects.words(),
    ...options.slots.map((_, position) => objects.counts(layout, chainCountsName(position))),
    ...(options.watch.trace ? [objects.trace()] : []),
  ];
}
