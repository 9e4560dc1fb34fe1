import { expect, test } from 'vitest';
import { BPF_OBJ_GET_INFO_BY_FD } from '../../uapi/commands.ts';
import { E2BIG } from '../../uapi/errno.ts';
import { FakeSys } from '../sys/fake.ts';
import { decodeAttr, encodeAttr } from '../uapi/attr.ts';
import { InfoAttr } from '../uapi/uapi.ts';
import { BtfInfo } from '../uapi/uapi-info.ts';
import { readBtfInfo } from './info.ts';

test('a kernel before 5.11, which refuses the fields for names, is asked without them', () => {
  const sys = new FakeSys((call, fake) => {
    if (call.command !== BPF_OBJ_GET_INFO_BY_FD) return undefined;
    const bytes = fake.memory(decodeAttr(InfoAttr, call.attr).info);
    if (decodeAttr(BtfInfo, bytes).name !== 0n) return -E2BIG;
    bytes.set(encodeAttr(BtfInfo, { id: 7, btf_size: 100 }));
    return 0;
  });
  expect(readBtfInfo(sys, 5)).toEqual({ id: 7, name: '', kernel: false, size: 100 });
});

test('other refusals are told', () => {
  const sys = new FakeSys(call => (call.command === BPF_OBJ_GET_INFO_BY_FD ? -9 : undefined));
  expect(() => readBtfInfo(sys, 5)).toThrow(expect.objectContaining({ code: 'kernel-info' }));
});
