// What only some formats tell, taken from where it is.

import { expect, test } from 'vitest';
import { beginSession } from '../../src/core/session.ts';
import { particularsOf } from '../../src/flow/particulars.ts';

test('the particulars of a request are its message, its ends and its sizes', () => {
  const by = beginSession({ address: '10.0.0.7', port: 4711 });
  by.local = { address: '10.0.0.1', port: 3128 };
  const request = {
    method: 'GET',
    url: 'http://h.test/',
    httpVersion: '1.1',
    rawHeaders: ['Host', 'h.test', 'A', 'b'],
  };
  const more = particularsOf({ by, request, answer: { status: 404, fields: ['B', 'c'] }, replyHead: 90 }, undefined);
  expect(more).toMatchObject({
    clientPort: 4711,
    local: by.local,
    requestFields: request.rawHeaders,
    requestHead: 'GET http://h.test/ HTTP/1.1\r\nHost: h.test\r\nA: b\r\n\r\n'.length,
    replyFields: ['B', 'c'],
    replyHead: 90,
    originStatus: 404,
  });
  expect(more.serverPort).toBeUndefined();
});

test('without a message there is little to tell', () => {
  const more = particularsOf({ by: beginSession({ address: '10.0.0.7', port: 1 }) }, undefined);
  expect(Object.values(more).filter((value) => value !== undefined)).toEqual([1]);
});
