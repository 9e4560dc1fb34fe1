/**
 * Messages of the verifier about memory: the stack, pointers and what they point to. Separate from those about
 * calls and paths only for their number.
 */

import { counted } from '../../diag/index.ts';
import { type CauseRule, type Operands, rule } from './verifier-rule.ts';

const STACK_BYTES = 512;

function stackHint({ offset = '0', size = '0' }: Operands): string {
  const start = Number(offset);
  const isInside = start < 0 && start >= -STACK_BYTES;
  return isInside && start + Number(size) > 0
    ? `${counted(Number(size), 'byte')} from here run past the end of the variable, which has ${-start}: the length is too large`
    : `the program has ${STACK_BYTES} bytes of stack and this is outside of it`;
}

/** In the order in which they are tried. */
export const STACK_RULES: readonly CauseRule[] = [
  rule(
    'stack-above-tail-call',
    /^tail_calls are not allowed when call stack of previous frames is (?<bytes>\d+) bytes\. Too large$/,
    ({ bytes = '' }) =>
      `functions with tail calls need less than 256 bytes of stack in use above them, and ${bytes} are: ` +
      'move large variables of the callers into a map, or do the tail call in the program itself',
  ),
  rule(
    'stack-combined',
    /^combined stack size of (?<calls>\d+) calls is (?<bytes>\d+)\. Too large$/,
    ({ calls = '', bytes = '' }) =>
      `frames of a call chain share ${STACK_BYTES} bytes, and these ${calls} take ${bytes}: ` +
      'move large variables into a map or make the functions static inline',
  ),
  rule(
    'call-depth',
    /^(?:the call stack of \d+ frames is too deep ?!?|recursive call\b.*)$/,
    'at most 8 frames, and no recursion: use a loop or bpf_loop()',
  ),
  rule(
    'stack-variable-offset',
    /^invalid (?:unbounded )?variable-offset\b.* stack\b/,
    'the index into the variable on the stack is not bounded: bound it first ("if (i > MAX) return …;")',
  ),
  rule(
    'stack-bounds',
    /^invalid (?:write to|(?:indirect )?access to) stack R\d+ off=(?<offset>-?\d+) size=(?<size>\d+)$/,
    stackHint,
  ),
  rule(
    'stack-bounds',
    /^invalid stack (?:type R\d+ off|off)=(?<offset>-?\d+)(?: access_size| size)=(?<size>\d+)$/,
    stackHint,
  ),
  rule(
    'stack-unwritten',
    /^invalid (?:indirect )?(?:read|access) from stack\b/,
    'a part of the stack is read that was never written: initialize the whole variable, padding included',
  ),
  rule(
    'stack-corrupt-pointer',
    /^attempt to corrupt spilled pointer on stack$/,
    'a part of a pointer on the stack would be overwritten: write all of its 8 bytes',
  ),
  rule(
    'stack',
    /^invalid (?:\S+ )*stack\b/,
    `an access outside the ${STACK_BYTES} bytes of stack, or to a part that was never written`,
  ),
  rule('frame-pointer', /^frame pointer is read only$/, 'r10 cannot be changed: copy it to another register'),
];

const NULL_HINT = 'the pointer may be NULL here: test it first ("if (!value) return …;")';
const END_HINT = 'ctx->data_end can only be compared: compute pointers into the packet from ctx->data';
const OFFSET_HINT =
  'the offset may be negative or too large: make it unsigned and bound it first ("if (i > MAX) return …;")';
const INDEX_HINT =
  'the offset added to this pointer is not bounded: bound the index before using it ("if (i >= MAX) return …;")';
const LENGTH_HINT = 'bound the length before using it ("if (len > MAX) return …;" or "len &= MAX")';
const STALE_HINT =
  'this is a number and not a valid pointer (any more): after a helper that changes the packet or releases a record, ' +
  'load pointers into it again; read memory of the kernel with bpf_probe_read_kernel() or BPF_CORE_READ()';
const FIELD_HINT = 'read the context through ctx itself, each field with a constant offset (ctx->field)';

function valueHint({ value = '', offset = '0', size = '0' }: Operands): string {
  const start = Number(offset);
  const reach =
    start < 0
      ? `${counted(-start, 'byte')} before the map value`
      : `up to byte ${start + Number(size)} of the map value, which has ${value}`;
  return `the access may reach ${reach}: bound the offset, or make the value larger`;
}

/** What a helper or kfunc got as an argument and what it takes. */
function argumentHint({ register = '', type = '', expected = '' }: Operands): string {
  if (/_or_null\b/.test(type)) return NULL_HINT;
  if (expected.includes('map_ptr')) return 'the first argument is a map: give its address ("&map")';
  const number = `argument ${register}`;
  return type === 'scalar' || type === 'inv'
    ? `${number} is not a pointer, or not any more after it was released or the packet changed; it must be one of: ${expected}`
    : `${number} is of kind ${type}; it must be one of: ${expected}`;
}

/** In the order in which they are tried. */
export const POINTER_RULES: readonly CauseRule[] = [
  rule(
    'null-arithmetic',
    /^R\d+ pointer arithmetic on \S*_or_null\S* prohibited(?:, null-check it first)?$/,
    'the pointer may be NULL here: compare it with NULL before computing with it ("if (!value) return …;")',
  ),
  rule('null-access', /^R\d+ invalid mem access '\S*_or_null\S*'$/, NULL_HINT),
  rule('null-argument', /^Possibly NULL pointer passed to (?:trusted |helper )?arg\d+$/, NULL_HINT),
  rule('packet-end', /^R\d+ invalid mem access 'pkt_end'$/, END_HINT),
  rule('packet-end', /^R\d+ pointer arithmetic on pkt_end prohibited$/, END_HINT),
  rule(
    'packet-offset',
    /^invalid access to packet, off=-?\d+ size=\d+, R\d+\(id=[1-9]\d*,off=-?\d+,r=0\)$/,
    'compare the pointer with ctx->data_end before each access; the comparison counts only if the variable offset in ' +
      'the pointer is bounded, to less than 65535: bound it first ("if (offset > MAX) return …;")',
  ),
  rule(
    'packet-bounds',
    /^invalid access to packet,/,
    'compare the pointer with ctx->data_end before each access, and again after every helper that changes the packet',
  ),
  rule(
    'packet-argument',
    /^helper access to the packet is not allowed$/,
    'this helper takes no pointer into the packet: pass a copy on the stack',
  ),
  rule('stale-pointer', /^R\d+ invalid mem access '(?:inv|scalar)'$/, STALE_HINT),
  rule('offset-range', /^value -?\d+ makes \S+ pointer be out of bounds$/, OFFSET_HINT),
  rule('offset-range', /^math between \S+ pointer and -?\d+ is not allowed$/, OFFSET_HINT),
  rule(
    'offset-unbounded',
    /^math between \S+ pointer and register with unbounded min value is not allowed$/,
    'bound the variable on both sides before using it as an offset ("if (x > MAX) return …;")',
  ),
  rule('offset-negative', /^R\d+ min value is negative, either use unsigned index\b/, OFFSET_HINT),
  rule('length-negative', /^R\d+ min value is negative, either use unsigned or\b/, LENGTH_HINT),
  rule('length-unbounded', /^R\d+ unbounded memory access, use\b/, LENGTH_HINT),
  rule('offset-unbounded', /^R\d+ unbounded memory access, make sure\b/, INDEX_HINT),
  rule(
    'length-zero',
    /^R\d+ invalid zero-sized read\b/,
    'the length may be 0 or too large: test it on both sides ("if (len == 0 || len > MAX) return …;")',
  ),
  rule('argument-type', /^R(?<register>\d+) type=(?<type>\S+) expected=(?<expected>.+)$/, argumentHint),
  rule('context-pointer', /^dereference of modified ctx ptr R\d+ off=-?\d+ disallowed$/, FIELD_HINT),
  rule(
    'context-pointer',
    /^variable ctx access var_off=\S+ \S+ disallowed$|^variable ctx access\b/,
    FIELD_HINT,
  ),
  rule(
    'context-field',
    /^invalid bpf_context access off=-?\d+ size=\d+/,
    'this program type has no such context field, or not with this width, or does not let it be written',
  ),
  rule(
    'map-read-only',
    /^write into map forbidden\b/,
    'this map or variable is read-only to programs: constants (const volatile, .rodata) are set before loading',
  ),
  rule(
    'map-value-bounds',
    /^invalid access to map value, value_size=(?<value>\d+) off=(?<offset>-?\d+) size=(?<size>\d+)$/,
    valueHint,
  ),
  rule(
    'memory-bounds',
    /^invalid access to memory, mem_size=\d+ off=-?\d+ size=\d+$/,
    'the access is outside of the memory that was reserved or passed',
  ),
  rule(
    'memory-bounds',
    /^R\d+ (?:min|max) value is outside of the (?:allowed memory|array) range$/,
    OFFSET_HINT,
  ),
  rule(
    'pointer-sum',
    /^R\d+ pointer \S+ pointer prohibited$/,
    'two pointers cannot be combined, only a pointer and a number: keep one of them as an offset',
  ),
  rule(
    'pointer-operator',
    /^R\d+ (?:pointer arithmetic with \S+ operator|bitwise operator \S+ on pointer|32-bit pointer arithmetic) prohibited$/,
    'a pointer allows only addition and subtraction of numbers, in 64 bits',
  ),
  rule(
    'pointer-arithmetic',
    /^R\d+ pointer arithmetic on \S+ prohibited$/,
    'arithmetic on this kind of pointer is not allowed',
  ),
  rule(
    'misaligned',
    /^misaligned (?<where>\S+) access off \S+ size (?<size>\d+)$/,
    ({ size = '' }) =>
      `an access of ${size} bytes must be aligned to ${size} here, as atomic operations always`,
  ),
];
