// Who is there to be taken over from, and that it is told.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findRunning, retire } from '../../src/cli/take-over.ts';
import { serviceRecorder } from '../support/service-recorder.ts';

/** What the kernel says of clients who wait at a port that closes. */
function saying(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'over-')), 'tcp_migrate_req');
  writeFileSync(path, text);
  return path;
}

async function answering(text: string, status = 200, asked: string[] = []): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'over-')), 's');
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return path;
}

test('a proxy is found by its process id', async () => {
  expect(await findRunning(await answering('{"pid":17}'))).toBe(17);
});

test('nobody is found where nobody is', async () => {
  expect(await findRunning('/tmp/none.sock')).toBeUndefined();
});

test.each([
  ['something else', 'hello', 200],
  ['something else that speaks JSON', '{}', 200],
  ['something that refuses', '{"pid":17}', 401],
])('%s is no proxy to take over from', async (_, text, status) => {
  await expect(findRunning(await answering(text, status))).rejects.toThrow();
});

test('it is told to let nobody in; where it does not answer, that is told', async () => {
  const { log, said } = serviceRecorder();
  const asked: string[] = [];
  await retire(await answering('{}', 200, asked), 17, log, saying('1\n'));
  expect(asked).toEqual(['POST /v1/retire']);
  await retire('/tmp/none.sock', 18, log, saying('1\n'));
  expect(said.map(({ level, fields }) => [level, fields['before']])).toEqual([
    ['info', 17],
    ['error', 18],
  ]);
});

test.each([
  ['is told not to', saying('0\n')],
  ['has no such thing', '/proc/none'],
])('where the kernel %s, it is said that who waits may be broken off', async (_, kernel) => {
  const { log, said } = serviceRecorder();
  await retire(await answering('{}'), 17, log, kernel);
  expect(said.map(({ level }) => level)).toEqual(['warn', 'info']);
  expect(said[0]?.message).toContain('sysctl net.ipv4.tcp_migrate_req=1');
});
