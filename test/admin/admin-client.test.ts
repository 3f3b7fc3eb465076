// What whoever asks is told where no whole answer comes.

import { mkdtempSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { askAdmin } from '../../src/admin/admin-client.ts';

async function answering(answer: (socket: Socket) => void): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'client-')), 's');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return path;
}

const WHOLE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('an admin call', () => {
  test('gives status and body', async () => {
    const path = await answering((socket) => socket.end(WHOLE));
    expect(await askAdmin(path, 'POST', '/x', 1_000)).toEqual({ status: 200, body: 'ok' });
  });

  test('has a deadline', async () => {
    const path = await answering(() => undefined);
    await expect(askAdmin(path, 'GET', '/x', 50)).rejects.toThrow('no answer within 50 ms');
  });

  test('fails where nobody is', async () => {
    await expect(askAdmin('/tmp/none.sock', 'GET', '/x', 50)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('fails at every prefix of an answer', async () => {
    for (let length = 0; length < WHOLE.length; length += 1) {
      const path = await answering((socket) => socket.end(WHOLE.slice(0, length)));
      await expect(askAdmin(path, 'GET', '/x', 1_000), `after ${length} bytes`).rejects.toThrow();
    }
  });
});
