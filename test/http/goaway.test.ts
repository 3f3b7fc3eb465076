// The last word on a connection where HTTP/2 was chosen: two frames, the reason in the second.

import { expect, test } from 'vitest';
import { replyGoaway } from '../../src/http/goaway.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll } from '../support/rig.ts';
import { socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const refusal = {
  code: 'client-certificate',
  status: 403,
  squid: 'ERR_ACCESS_DENIED',
  sentence: 'The client certificate does not say who is asking.',
  url: '-',
  rule: undefined,
  id: '',
} as const;

test('a goaway is empty settings and the reason, without anything that is not text, and bounded', async () => {
  const { near, far } = await socketPair();
  const came = readAll(far);
  const sent = replyGoaway(near, { ...refusal, detail: `a\r\nb${'x'.repeat(2_000)}` });
  const bytes = Buffer.from(await came, 'latin1');
  expect([bytes.length, bytes.subarray(0, 9).toString('hex')]).toEqual([sent, '000000040000000000']);
  expect([bytes.readUIntBE(9, 3), bytes[12], bytes.readUInt32BE(22)]).toEqual([sent - 18, 7, 12]);
  expect(bytes.subarray(26).toString('latin1')).toMatch(/^client-certificate: The client certificate does not say who/);
  expect(bytes.subarray(26).toString('latin1')).toMatch(/^[\x20-\x7e]{1,520}$/);
  far.end();
});

test('a goaway on a socket that is gone is nothing', async () => {
  const { near, far } = await socketPair();
  near.destroy();
  far.destroy();
  expect(replyGoaway(near, { ...refusal, detail: '' })).toBe(0);
});
