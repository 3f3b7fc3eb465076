// Ends of streams that are ends, and those that are not.

import { once } from 'node:events';
import { constants } from 'node:http2';
import { expect, test } from 'vitest';
import { watchEnd } from '../../src/http/h2-end.ts';
import { h2Pair } from '../support/h2-pair.ts';

test.each([
  ['ends it', true, (close: (code?: number) => void) => close()],
  ['resets it with an error', false, (close: (code?: number) => void) => close(constants.NGHTTP2_CANCEL)],
  ['resets it with none', false, (close: (code?: number) => void) => close(constants.NGHTTP2_NO_ERROR)],
])('a body is whole when its side %s: %s', async (_, whole, finish) => {
  const { client, nextStream } = await h2Pair();
  const sent = client.request({ ':method': 'POST' }, { endStream: false, waitForTrailers: true });
  sent.on('error', () => undefined);
  const got = await nextStream();
  const isWhole = watchEnd(got);
  got.resume();
  sent.write('piece', () => finish((code) => (code === undefined ? sent.end() : sent.close(code))));
  await Promise.race([once(got, 'end'), once(got, 'close')]);
  expect(isWhole()).toBe(whole);
});

test('a body is not whole when the connection breaks', async () => {
  const { client, nextStream } = await h2Pair();
  const sent = client.request({ ':method': 'POST' }, { endStream: false });
  sent.on('error', () => undefined);
  const got = await nextStream();
  const isWhole = watchEnd(got);
  got.resume();
  sent.write('piece', () => client.destroy());
  await once(got, 'close');
  expect(isWhole()).toBe(false);
});
