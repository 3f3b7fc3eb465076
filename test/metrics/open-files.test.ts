import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { endpoint, openFiles } from '../../src/metrics/open-files.ts';

test.each([
  ['0100007F:0C38', '127.0.0.1:3128'],
  ['00000000:0000', '0.0.0.0:0'],
  ['00000000000000000000000001000000:01BB', '[::1]:443'],
  ['B80D0120000000000000000001000000:0050', '[2001:db8::1]:80'],
  ['0000000000000000FFFF00000100007F:0C38', '127.0.0.1:3128'],
])('%s of the system is %s', (hex, expected) => {
  expect(endpoint(hex)).toBe(expected);
});

test('a connection is told with both its ends, a listener with none', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  const accepted = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  const [other] = await accepted;
  onTestFinished(() => {
    client.destroy();
    other.destroy();
    server.close();
  });
  const files = openFiles(10_000);
  const sockets = files.filter(({ kind }) => kind === 'Socket');
  expect(sockets).toContainEqual(
    expect.objectContaining({ local: `127.0.0.1:${client.localPort}`, remote: `127.0.0.1:${port}`, pid: process.pid }),
  );
  expect(sockets).toContainEqual(expect.objectContaining({ local: `127.0.0.1:${port}`, remote: '0.0.0.0:0' }));
  expect(openFiles(2)).toHaveLength(2);
});

test('where the system does not tell, there are none', () => {
  expect(openFiles(10, '/nowhere')).toEqual([]);
});
