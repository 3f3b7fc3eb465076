// What goes through the channel is what was meant, and nothing else is taken for it.

import { deserialize, serialize } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { isFromWorker, isToWorker, type Start } from '../../src/supervisor/messages.ts';
import { rigConfig } from '../support/rig.ts';

describe('a message', () => {
  test.each([
    'start',
    'prepare',
    'commit',
    'abandon',
    'renew-tickets',
    'reopen-logs',
    'count',
    'stop-accepting',
    'close',
  ])('%s is for a worker', (type) => {
    expect([isToWorker({ type }), isFromWorker({ type })]).toEqual([true, false]);
  });

  test.each([
    'ready',
    'beat',
    'listening',
    'failed',
    'prepared',
    'refused',
    'committed',
    'abandoned',
    'logs-reopened',
    'counted',
    'stopped-accepting',
    'leaving',
  ])('%s is from a worker', (type) => {
    expect([isToWorker({ type }), isFromWorker({ type })]).toEqual([false, true]);
  });

  test.each([undefined, null, 'start', 1, {}, { type: 'stop' }, { type: ['start'] }])('%j is neither', (message) => {
    expect([isToWorker(message), isFromWorker(message)]).toEqual([false, false]);
  });
});

test('the start order comes through whole: what is undefined, and bytes', () => {
  const config = rigConfig('/folder', { via: undefined, hosts: { 'a.test': '127.0.0.1' } });
  const ca = { certificates: ['pem'], key: 'pem' };
  const given = new Map([['127.0.0.1 3128', 4]]);
  const ticketMaster = new Uint8Array([1, 2]);
  const start: Start = {
    type: 'start',
    worker: 1,
    workers: 2,
    config,
    ca,
    ticketMaster,
    given,
    admin: undefined,
    later: false,
  };
  const come: Start = deserialize(serialize(start));
  expect(come).toEqual(start);
  expect(Object.keys(come.config)).toContain('via');
});
