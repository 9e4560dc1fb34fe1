// Writes the C of the link benchmark's templates. In every name, AAAAA represents the number of the object and BBBBB
// for that of the next one in the chain: both have five characters, so that an object is made from a compiled template
// by replacing bytes.
//
//   node bench/templates/make.js SHAPE LAST > template.bpf.c      SHAPE: small or wide; LAST: 1 for the end of the chain

const [shape = 'small', last = '0'] = process.argv.slice(2);
const functions = shape === 'wide' ? 25 : 10;
const globals = shape === 'wide' ? 25 : 3;
const lines = [
  '// SPDX-License-Identifier: MIT',
  '#include <linux/bpf.h>',
  '#include <bpf/bpf_helpers.h>',
  '',
];

if (shape === 'small') {
  lines.push(
    'struct own_AAAAA { __u32 id_AAAAA; __u64 count; struct own_AAAAA *next; };',
    'struct {',
    '\t__uint(type, BPF_MAP_TYPE_HASH);',
    '\t__uint(max_entries, 16);',
    '\t__type(key, __u32);',
    '\t__type(value, struct own_AAAAA);',
    '} m_AAAAA SEC(".maps");',
  );
}
for (let index = 0; index < globals; index++) lines.push(`int g_AAAAA_${index} = ${index + 1};`);
if (last !== '1') lines.push('extern int f_BBBBB_0(int value);', 'extern int g_BBBBB_0;');
for (let index = functions - 1; index >= 0; index--) {
  const next =
    index + 1 < functions
      ? `f_AAAAA_${index + 1}(value + 1)`
      : last === '1'
        ? 'value'
        : 'f_BBBBB_0(value) + g_BBBBB_0';
  lines.push(
    `__noinline int f_AAAAA_${index}(int value)`,
    '{',
    `\tg_AAAAA_${index % globals} += value;`,
    ...(shape === 'small' && index === 1
      ? [
          '\t__u32 key = value;',
          '\tstruct own_AAAAA *own = bpf_map_lookup_elem(&m_AAAAA, &key);',
          '\tif (own)',
          '\t\town->count++;',
        ]
      : []),
    `\treturn ${next};`,
    '}',
  );
}
lines.push('char _license[] SEC("license") = "GPL";');
process.stdout.write(`${lines.join('\n')}\n`);
