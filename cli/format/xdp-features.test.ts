import { expect, test } from 'vitest';
import { decodeFeatures } from '../../src/kernel/hooks/xdp-features.ts';
import { formatFeatures } from './xdp-features.ts';

/** As the driver of veth declares it, in the answer of the kernel: attributes of 64 bits after a header of 4 bytes. */
const ANSWER = Uint8Array.from([
  0, 0, 0, 0, 12, 0, 3, 0, 0b1100011, 0, 0, 0, 0, 0, 0, 0, 12, 0, 5, 0, 3, 0, 0, 0, 0, 0, 0, 0,
]);

test('a line for each feature, as scripts of xdp-loader read them', () => {
  const features = decodeFeatures(ANSWER);
  expect(features && formatFeatures(features).split('\n')).toEqual([
    'NETDEV_XDP_ACT_BASIC:        yes',
    'NETDEV_XDP_ACT_REDIRECT:     yes',
    'NETDEV_XDP_ACT_NDO_XMIT:     no',
    'NETDEV_XDP_ACT_XSK_ZEROCOPY: no',
    'NETDEV_XDP_ACT_HW_OFFLOAD:   no',
    'NETDEV_XDP_ACT_RX_SG:        yes',
    'NETDEV_XDP_ACT_NDO_XMIT_SG:  yes',
    'metadata:                    timestamp, hash',
  ]);
});
