// Ticket keys: of the length that Node takes, the same wherever the master is, and none like another.

import { expect, test } from 'vitest';
import { makeTicketMaster, ticketKeys } from '../../src/pki/ticket-keys.ts';

test('are 48 bytes that follow from master and purpose alone', () => {
  const master = Uint8Array.from({ length: 32 }, (_, at) => at);
  const keys = ticketKeys(master, 'ca a.test');
  expect(keys).toHaveLength(48);
  expect(ticketKeys(Uint8Array.from(master), 'ca a.test')).toEqual(keys);
});

test('differ for each purpose and each master, in the name by which a ticket finds its key as well', () => {
  const [one, other] = [makeTicketMaster(), makeTicketMaster()];
  const all = [ticketKeys(one, 'a'), ticketKeys(one, 'b'), ticketKeys(other, 'a'), ticketKeys(other, 'b')];
  expect(new Set(all.map((keys) => keys.subarray(0, 16).toString('hex'))).size).toBe(4);
  expect(new Set(all.map((keys) => keys.subarray(32).toString('hex'))).size).toBe(4);
});

test('a master is 32 bytes that nobody can guess', () => {
  expect(makeTicketMaster()).toHaveLength(32);
  expect(makeTicketMaster()).not.toEqual(makeTicketMaster());
});
