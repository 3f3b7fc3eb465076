import { describe, expect, test } from 'vitest';
import { AskedReports } from '../../src/supervisor/asked-reports.ts';

describe('a report that a client waits for', () => {
  test('is the one that answers its question, whichever comes first', async () => {
    const asked: [number, string][] = [];
    const reports = new AskedReports(async (id, name) => void asked.push([id, name]));
    const [info, counters] = [reports.ask('info'), reports.ask('counters')];
    for (const [id, name] of [...asked].reverse()) reports.answer(id, `text of ${name}`);
    expect(await Promise.all([info, counters])).toEqual(['text of info', 'text of counters']);
  });

  test('there is not when nobody makes it in time; what comes later is dropped', async () => {
    const reports = new AskedReports(async () => undefined);
    expect(await reports.ask('info', 20)).toBeUndefined();
    reports.answer(1, 'late');
    expect(await reports.ask('info', 20)).toBeUndefined();
  });
});
