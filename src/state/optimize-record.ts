/** How the code of an entry is optimized, as JSON in its record. */

import { given } from '../bytes/index.ts';
import type { RootletError } from '../diag/index.ts';
import type { InlineScope } from '../link/index.ts';
import type { OptimizeSetting } from '../load/index.ts';
import { Fields, type JsonObject, type JsonValue } from '../store/index.ts';
import { unreadable } from './unreadable.ts';

const FIRST_STEPS = ['all', 'single', 'members'] as const;
const STEPS: readonly InlineScope[] = [...FIRST_STEPS, 'none'];

function encodeOptimize(setting: OptimizeSetting): JsonObject {
  const { level, inline = null, noInline = [], verifyBudget = false } = setting;
  return { level, inline, noInline, verifyBudget };
}

/** The field of a record. */
export function encodeOptimizeField(setting: OptimizeSetting | undefined): JsonObject {
  return { optimize: setting === undefined ? null : encodeOptimize(setting) };
}

/** Undefined where none was given. Throws `state-record`. */
export function decodeOptimize({ optimize }: JsonObject): OptimizeSetting | undefined {
  return isAbsent(optimize) ? undefined : decodeOptimizeSetting(optimize);
}

/** Throws `state-record`. */
export function decodeOptimizeSetting(value: JsonValue): OptimizeSetting {
  const fields = Fields.of(value, 'optimize', damaged);
  const noInline = fields.texts('noInline');
  return {
    level: fields.count('level') === 0 ? 0 : 1,
    ...given({
      inline: isAbsent(fields.get('inline')) ? undefined : fields.word('inline', FIRST_STEPS),
      noInline: noInline.length === 0 ? undefined : noInline,
      verifyBudget: fields.flag('verifyBudget') ? true : undefined,
    }),
  };
}

/** The step that the programs of an entry are at; undefined where they are as their files have them. */
export function decodeOptimized({ optimized }: JsonObject): InlineScope | undefined {
  if (isAbsent(optimized)) return undefined;
  const step = STEPS.find(one => one === optimized);
  if (step === undefined) throw damaged();
  return step;
}

function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === null || value === undefined;
}

function damaged(): RootletError {
  return unreadable('optimization');
}
