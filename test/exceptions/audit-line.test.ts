import { expect, test } from 'vitest';
import { auditLine } from '../../src/exceptions/audit-line.ts';

test('a change is one line with all its facts, in ASCII', () => {
  const recent = [{ time: 5, alert: 'unknown_ca', confidence: 'certain' }] as const;
  const pair = { client: '10.0.0.5', host: 'ok.test', port: 443 };
  const entry = { ...pair, rule: 'all', recent, count: 3, made: 10, expires: 20 };
  const line = auditLine({ change: 'revoked', by: 'Zoë\n', entry }, new Date(15));
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(line)).toEqual({
    time: '1970-01-01T00:00:00.015Z',
    audit: 'exception',
    change: 'revoked',
    by: 'Zoë\n',
    client: '10.0.0.5',
    host: 'ok.test:443',
    rule: 'all',
    rejections: 3,
    alert: 'unknown_ca',
    confidence: 'certain',
    made: '1970-01-01T00:00:00.010Z',
    expires: '1970-01-01T00:00:00.020Z',
  });
});
