/** Words of options that are refused by their code; whole command lines are in `cli/refusals.test.ts`. */

import { expect, test } from 'vitest';
import { parseListen } from '../io/metrics-server.ts';
import { requireSeconds } from './seconds.ts';

const coded = (code: string) => expect.objectContaining({ code });

test.each(['', 'localhost', 'localhost:', ':65536', '::1:80', '[::1]80', 'a b:80'])(
  'watch-address: %j',
  text => {
    expect(() => parseListen(text)).toThrow(coded('watch-address'));
  },
);

test.each([
  ['127.0.0.1:9100', { host: '127.0.0.1', port: 9100 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  [':65535', { host: '', port: 65535 }],
])('%s is an address', (text, address) => {
  expect(parseListen(text)).toEqual(address);
});

test.each([0.01, 1, 86_400])('%d seconds are an interval', seconds => {
  requireSeconds(seconds);
});

test.each([0, 0.009, 86_401, -1, Number.NaN])('watch-interval: %d', seconds => {
  expect(() => requireSeconds(seconds)).toThrow(coded('watch-interval'));
});
