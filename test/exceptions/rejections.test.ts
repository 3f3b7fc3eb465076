// One worker's part, and several of them together: what is said, what is kept, and that all of them agree.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Authority } from '../../src/core/authority.ts';
import { LedgerFile } from '../../src/exceptions/ledger-file.ts';
import { type RejectionOptions, Rejections } from '../../src/exceptions/rejections.ts';
import { until } from '../support/rig.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

const RHYTHM = { gather: 1, look: 10 };
const client = '10.0.0.5';
const ok: Authority = { kind: 'name', host: 'ok.test', port: 443 };

function place(onReject: RejectionOptions['onReject'] = 'splice'): RejectionOptions {
  const folder = mkdtempSync(join(tmpdir(), 'rejections-'));
  return { onReject, state: join(folder, 'state', 'exceptions.json'), audit: join(folder, 'audit.log') };
}

async function worker(options: RejectionOptions) {
  const { log, said } = serviceRecorder();
  const rejections = await Rejections.open(options, log, RHYTHM);
  if (!rejections) throw new Error('it is off');
  onTestFinished(() => rejections.close());
  return { rejections, said };
}

/** A rejection by an alert, kept before the next. */
async function reject({ rejections }: { rejections: Rejections }, options: RejectionOptions, more = {}): Promise<void> {
  const before = countIn(options);
  const how = { alert: 'unknown_ca', confidence: 'certain', rule: 'all', byName: true } as const;
  rejections.rejected(client, ok, { ...how, begin: Date.now(), ...more });
  await until(
    () => countIn(options) > before,
    'the rejection',
    () => textOf(options),
  );
}

const textOf = ({ state }: RejectionOptions): string => (existsSync(state) ? readFileSync(state, 'utf8') : '');
const countIn = (options: RejectionOptions): number => Number(/"count": (\d+)/.exec(textOf(options))?.[1] ?? 0);
const auditOf = ({ audit }: RejectionOptions): string[] =>
  existsSync(audit)
    ? readFileSync(audit, 'utf8')
        .trim()
        .split('\n')
        .map((line) => String(JSON.parse(line).change))
    : [];

describe('one worker', () => {
  test('that is told to do nothing is none', async () => {
    expect(await Rejections.open(place('off'), serviceRecorder().log)).toBeUndefined();
  });

  test('says once an hour which rule would help, ready to be pasted', async () => {
    const options = place('suggest');
    const one = await worker(options);
    for (let i = 0; i < 3; i += 1) await reject(one, options);
    expect(one.said).toHaveLength(1);
    expect(one.said[0]).toMatchObject({
      level: 'warn',
      message:
        'client rejected our certificate: have that program trust our authority, or put this rule above "all" to pass the host through unread',
      fields: {
        client,
        host: 'ok.test:443',
        rejections: 1,
        sign: 'alert unknown_ca: it does not know our authority',
        rule: "- { name: 'unread ok.test', clients: ['10.0.0.5'], hosts: ['ok.test'], ports: [443], action: allow, tls: splice }",
      },
    });
    expect(one.rejections.exemption(client, ok)).toBeUndefined();
  });

  test('makes an exception of the third, and says so', async () => {
    const options = place();
    const one = await worker(options);
    for (let i = 0; i < 3; i += 1) await reject(one, options);
    // It holds before it is told and written down.
    await until(() => one.said.length > 1 && auditOf(options).length > 0, 'a word of the exception');
    expect(one.rejections.exemption(client, ok)).toMatchObject({ count: 3 });
    expect(one.said.map(({ level, message }) => `${level} ${message.slice(0, 15)}`)).toEqual([
      'warn client rejected',
      'warn exception made:',
    ]);
    expect(auditOf(options)).toEqual(['made']);
  });

  test('has its exceptions again after a restart', async () => {
    const options = place();
    const one = await worker(options);
    for (let i = 0; i < 3; i += 1) await reject(one, options);
    await one.rejections.close();
    const two = await worker(options);
    expect(two.rejections.exemption(client, ok)).toMatchObject({ client, host: 'ok.test', count: 3 });
  });

  test('ends one that is over its time, and writes it down', async () => {
    const options = place();
    const one = await worker(options);
    for (let i = 0; i < 3; i += 1) await reject(one, options);
    await one.rejections.close();
    const aged = textOf(options).replace(
      /"(made|expires)": (\d+)/g,
      (_, key, time) => `"${key}": ${Number(time) - 13 * 3_600_000}`,
    );
    writeFileSync(options.state, aged, { mode: 0o600 });
    const [two, three] = [await worker(options), await worker(options)];
    await until(() => auditOf(options).includes('expired'), 'the end');
    await two.rejections.close();
    await three.rejections.close();
    expect(auditOf(options)).toEqual(['made', 'expired']);
    const told = [...two.said, ...three.said].filter(({ message }) => message.startsWith('exception expired'));
    expect(told).toHaveLength(1);
    expect(two.rejections.exemption(client, ok)).toBeUndefined();
  });

  test('keeps what waits when it is closed', async () => {
    const options = place('suggest');
    const { log } = serviceRecorder();
    const rejections = await Rejections.open(options, log, { gather: 60_000 });
    const how = { alert: 'none', confidence: 'suspected', rule: 'all', byName: true } as const;
    rejections?.rejected(client, ok, { ...how, begin: Date.now() });
    await rejections?.close();
    expect(countIn(options)).toBe(1);
  });

  test('starts with a state that it may not read, and complains', async () => {
    const options = place();
    mkdirSync(dirname(options.state));
    symlinkSync('/dev/null', options.state);
    const one = await worker(options);
    expect(one.said).toMatchObject([{ level: 'warn', message: 'the state of exceptions cannot be kept' }]);
    expect(one.rejections.exemption(client, ok)).toBeUndefined();
  });

  test('without a place to write suggests all the same, and makes no exception', async () => {
    const options = place();
    mkdirSync(options.state, { recursive: true });
    mkdirSync(join(options.state, 'x'));
    mkdirSync(`${options.state}.damaged`);
    mkdirSync(join(`${options.state}.damaged`, 'x'));
    const one = await worker(options);
    for (let i = 1; i <= 4; i += 1) {
      const how = { alert: 'unknown_ca', confidence: 'certain', rule: 'all', byName: true } as const;
      one.rejections.rejected(client, ok, { ...how, begin: Date.now() });
      await until(
        () => one.said.length >= 2,
        'the words',
        () => JSON.stringify(one.said),
      );
    }
    await one.rejections.close();
    expect(one.said.map(({ message }) => message.slice(0, 24)).sort()).toEqual([
      'client rejected our cert',
      'the state of exceptions ',
    ]);
    expect(one.rejections.exemption(client, ok)).toBeUndefined();
    expect(auditOf(options)).toEqual([]);
  });
});

describe('several workers', () => {
  test('count together, say it once, and all know the exception', async () => {
    const options = place();
    const workers = [await worker(options), await worker(options), await worker(options)];
    for (const one of workers) await reject(one, options);
    for (const { rejections } of workers) {
      await until(() => rejections.exemption(client, ok) !== undefined, 'the exception');
    }
    const said = () => workers.flatMap((one) => one.said.map(({ message }) => message.slice(0, 15)));
    await until(() => said().length > 1 && auditOf(options).length > 0, 'a word of the exception');
    expect(said().sort()).toEqual(['client rejected', 'exception made:']);
    expect(auditOf(options)).toEqual(['made']);
  });

  test('all hear of one that was revoked elsewhere', async () => {
    const options = place();
    const workers = [await worker(options), await worker(options)];
    for (let i = 0; i < 3; i += 1) await reject(workers[0] ?? (await worker(options)), options);
    for (const { rejections } of workers) {
      await until(() => rejections.exemption(client, ok) !== undefined, 'the exception');
    }
    await new LedgerFile(options).update((ledger) => ledger.revoke(() => true, Date.now(), 'a test'));
    for (const { rejections } of workers) {
      await until(() => rejections.exemption(client, ok) === undefined, 'the end of the exception');
    }
  });

  test('a success that one has seen keeps the others from making an exception', async () => {
    const options = place();
    const [one, two] = [await worker(options), await worker(options)];
    one.rejections.accepted(client, ok);
    await reject(two, options);
    await until(
      () => textOf(options).includes('"accepted"'),
      'the objection',
      () => textOf(options),
    );
    for (let i = 0; i < 3; i += 1) await reject(two, options);
    expect(auditOf(options)).toEqual([]);
  });

  test('and ends one that was made before it could be told', async () => {
    const options = place();
    const [one, two] = [await worker(options), await worker(options)];
    one.rejections.accepted(client, ok);
    // All three at once, so that nobody hears of the first before the last.
    await new LedgerFile(options).update((ledger) =>
      [0, 1, 2].flatMap(() => {
        const now = Date.now();
        const how = { alert: 'unknown_ca', confidence: 'certain', rule: 'all', byName: true } as const;
        return ledger.reject({ client, host: 'ok.test', port: 443, ...how, time: now, begin: now }, true).made ?? [];
      }),
    );
    await until(() => auditOf(options).includes('revoked'), 'the end of it');
    await until(() => two.rejections.exemption(client, ok) === undefined, 'that all know it');
    expect(auditOf(options)).toEqual(['made', 'revoked']);
  });

  test('start anew when somebody removes the file', async () => {
    const options = place();
    const one = await worker(options);
    for (let i = 0; i < 3; i += 1) await reject(one, options);
    await until(() => one.rejections.exemption(client, ok) !== undefined, 'the exception');
    rmSync(dirname(options.state), { recursive: true });
    await until(() => one.rejections.exemption(client, ok) === undefined, 'its end');
  });
});
