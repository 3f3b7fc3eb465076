// JSON as a reply.

import { expect, test } from 'vitest';
import { jsonReply } from '../../src/admin/route.ts';

test('a value is one line of JSON', () => {
  expect(jsonReply({ a: 'b\n' })).toEqual({ status: 200, type: 'application/json', body: '{"a":"b\\n"}\n' });
  expect(jsonReply(null, 404).status).toBe(404);
});
