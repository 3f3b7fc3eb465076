// The service log: levels, time, both forms, redaction, and the default destination.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { createServiceLog, type ServiceLogOptions } from '../../src/log/service-log.ts';

function capture(level: ServiceLogOptions['level'], isTTY = false) {
  const lines: string[] = [];
  return { lines, log: createServiceLog({ level }, { write: (text) => lines.push(text), isTTY }) };
}

describe('the service log', () => {
  test('is JSON lines with level, ISO time, process, fields and message', () => {
    const { lines, log } = capture('info');
    log.info({ port: 3128 }, 'listening');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\{"level":"info","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","pid":\d+,"port":3128,"msg":"listening"\}\n$/,
    );
  });

  test('says in every line which worker speaks', () => {
    const lines: string[] = [];
    createServiceLog({ level: 'info' }, { write: (text) => lines.push(text) }, { worker: 2 }).info({}, 'begun');
    expect(lines[0]).toMatch(/"pid":\d+,"worker":2,"msg":"begun"\}\n$/);
  });

  test('is plain lines on a terminal', () => {
    const { lines, log } = capture('info', true);
    log.warn({ file: '/x y' }, 'cannot read');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARN cannot read file="\/x y"\n$/);
  });

  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ] as const)('at level %s tells %j', (level, expected) => {
    const { lines, log } = capture(level);
    for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name]({}, name);
    expect(lines.map((line) => /"level":"(\w+)"/.exec(line)?.[1])).toEqual(expected);
  });

  test.each([false, true])('redacts secrets at any depth (terminal: %s)', (isTTY) => {
    const { lines, log } = capture('info', isTTY);
    log.info({ passphrase: 'secret', headers: { 'Proxy-Authorization': 'secret', cookie: 'secret' } }, 'x');
    expect(lines[0]).not.toContain('secret');
    expect(lines[0]).toContain('[redacted]');
  });

  test.each([false, true])('an error with line breaks stays one line (terminal: %s)', (isTTY) => {
    const { lines, log } = capture('info', isTTY);
    log.error({ err: new ProxyError('internal', 'a\nb', { cause: new Error('root') }) }, 'failed');
    expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
    expect(lines[0]).toContain('ProxyError');
    expect(lines[0]).toContain('root');
  });

  test.each([false, true])('control characters never reach the destination (terminal: %s)', (isTTY) => {
    const { lines, log } = capture('info', isTTY);
    log.info({ value: '\x00\x07\x1b[31m\x7f\x9b\u2028\u202e' }, 'message \x1b[31m \x9b');
    expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
  });

  test('a percent sign in a message is not a format', () => {
    const { lines, log } = capture('info');
    log.info({}, '100%s %d');
    expect(lines[0]).toContain('"msg":"100%s %d"');
  });

  test('goes to standard error as JSON when that is no terminal, complete at exit', () => {
    const program = `
      import { createServiceLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/log/service-log.ts'))};
      const log = createServiceLog({ level: 'info' });
      for (let count = 0; count < 200; count += 1) log.info({ count }, 'line');
      process.exit(3);
    `;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(child.status).toBe(3);
    expect(child.stdout).toBe('');
    const lines = child.stderr.trimEnd().split('\n');
    expect(lines.map((line) => /"count":(\d+)/.exec(line)?.[1])).toEqual(
      Array.from({ length: 200 }, (_, at) => String(at)),
    );
  });
});
