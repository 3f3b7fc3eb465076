import { expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { countOf } from '../../src/core/histogram.ts';
import { UpstreamMeter } from '../../src/net/upstream-meter.ts';

test('what comes to an end and what fails are counted apart, failures by their code', () => {
  const meter = new UpstreamMeter();
  meter.dialled(2);
  meter.shaken(5);
  meter.dialFailed(new ProxyError('connect-failed'));
  meter.dialFailed(new ProxyError('connect-failed'));
  meter.handshakeFailed(new ProxyError('upstream-name'));
  meter.handshakeFailed(new Error('a fault'));
  for (const how of ['local', 'hit', 'hit', 'miss'] as const) meter.named(how);
  meter.lookedUp(9);
  const { dials, handshakes, lookups, ...rest } = meter.read();
  expect([countOf(dials), countOf(handshakes), countOf(lookups)]).toEqual([1, 1, 1]);
  expect(rest).toEqual({
    failedDials: { 'connect-failed': 2 },
    failedHandshakes: { 'upstream-name': 1, internal: 1 },
    localNames: 1,
    nameHits: 2,
    nameMisses: 1,
  });
});
