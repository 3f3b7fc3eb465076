// What `status` prints, for a person and for a script, and what it exits with.

import { describe, expect, test } from 'vitest';
import { metricsText } from '../../src/admin/prometheus.ts';
import { status } from '../../src/cli/status.ts';
import type { Counts } from '../../src/metrics/measures.ts';
import type { SeriesKey } from '../../src/metrics/series.ts';
import { type Answers, fakeOperator, STATUS, unservedConfig } from '../support/fake-operator.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

async function statusOf(answers: Answers, json = false) {
  const { config } = await fakeOperator(answers);
  const terminal = fakeTerminal({ styled: true });
  const code = await status(terminal, { config, json });
  return { code, out: terminal.outText(), err: terminal.errText() };
}

const METRICS = metricsText(
  {
    series: {
      transactions: { forwarded: 900, client_rejected_certificate: 2, failed: 0 },
      requests: { plain: 400, connect: 502 },
      tunnels: { passed: 2, bumped: 5 },
      logLines: { '': 902 },
      logLost: { '': 4 },
      logFailing: { '': 1 },
    } satisfies Partial<Record<SeriesKey, Counts>>,
    durations: {},
  },
  {
    version: '1.2.3',
    pid: 1,
    started: 0,
    uptime: 1,
    workers: { wanted: 2, listening: 2 },
    port: 3128,
    ca: { notAfter: new Date(86_400_000) },
    draining: false,
    ready: true,
  },
  0,
);

describe('a proxy that runs', () => {
  test('is told line by line', async () => {
    const { code, out } = await statusOf({ '/v1/status': STATUS });
    expect(code).toBe(0);
    expect(out).toMatch(/^<bold>Sallyport 1\.2\.3<\/bold> <green>is running<\/green>\n/);
    expect(out).toMatch(/^ {2}up {10}.*, since 2027-01-01 00:00Z$/m);
    expect(out).toMatch(/^ {2}process {5}4711, 2 workers$/m);
    expect(out).toMatch(/^ {2}listening {3}127\.0\.0\.1:3128$/m);
    expect(out).toMatch(/^ {2}open {8}3 connections of clients$/m);
    expect(out).toMatch(/^ {2}reload {6}none so far$/m);
    expect(out).toMatch(/^ {2}CA {10}\d+ days left, until 2036-01-01$/m);
    expect(out).not.toContain('requests');
  });

  test('that counts tells what it has counted', async () => {
    const { out } = await statusOf({ '/v1/status': STATUS, '/metrics': METRICS });
    expect(out).toMatch(/^ {2}open .*3 connections of clients, 7 tunnels$/m);
    expect(out).toMatch(/^ {2}requests {4}902; by outcome 900 forwarded, 2 client rejected certificate$/m);
    expect(out).toMatch(/^ {2}log {9}<red>1 cannot be written now<\/red>, <red>4 lines lost<\/red>$/m);
  });

  test.each([
    [{ ok: true, generation: 2, changed: ['policy'], waiting: [] }, /used 2027-01-02 03:04Z by SIGHUP$/m],
    [{ ok: true, generation: 2, changed: ['listen'], waiting: ['listen'] }, /; a restart is needed for listen$/m],
    [
      { ok: false, code: 'config-invalid', error: 'x.yaml:1:1 no\n' },
      /<red>refused<\/red> .* still holds: x\.yaml:1:1 no$/m,
    ],
  ])('that was reloaded tells how that went: %j', async (outcome, line) => {
    const reload = { at: '2027-01-02T03:04:05.000Z', by: 'SIGHUP', ...outcome };
    expect((await statusOf({ '/v1/status': { ...STATUS, reload } })).out).toMatch(line);
  });

  test('that drains says so', async () => {
    const { out } = await statusOf({ '/v1/status': { ...STATUS, state: 'draining' } });
    expect(out).toContain('<yellow>is draining: nobody is let in any more</yellow>');
  });

  test('is JSON for a script', async () => {
    const { code, out } = await statusOf({ '/v1/status': STATUS, '/metrics': METRICS }, true);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      running: true,
      ...STATUS,
      config: expect.stringMatching(/proxy\.yaml$/),
      tunnels: 7,
      requests: 902,
      outcomes: { forwarded: 900, client_rejected_certificate: 2 },
      log: { lines: 902, lost: 4, failing: 1 },
    });
  });
});

describe('where none runs', () => {
  test('that is told, with an exit code of its own', async () => {
    const terminal = fakeTerminal();
    const config = unservedConfig();
    expect(await status(terminal, { config })).toBe(5);
    expect(terminal.errText()).toMatch(
      /^No proxy runs with .*proxy\.yaml: nobody answers at .*sallyport\.sock\. One .*another admin\.socket.*\.\n$/,
    );
    expect(await status(terminal, { config, json: true })).toBe(5);
    expect(JSON.parse(terminal.outText())).toMatchObject({ running: false, config });
  });

  test('one that answers for another config is none', async () => {
    const { code, err } = await statusOf({ '/v1/status': { ...STATUS, config: '/etc/other.yaml' } });
    expect(code).toBe(5);
    expect(err).toMatch(/^No proxy runs with .*proxy\.yaml: the one at .* runs with \/etc\/other\.yaml\. /);
  });

  test('to be asked, nobody knows', async () => {
    const terminal = fakeTerminal();
    expect(await status(terminal, { config: unservedConfig('admin: { socket: off }') })).toBe(1);
    expect(terminal.errText()).toMatch(/no control socket/);
  });
});
