// Both ends of a connection, known also when it has closed.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { ConnectionNotes, namesOf } from '../../src/net/connection-notes.ts';
import { TestCa } from '../support/test-ca.ts';

test('what was noted of a socket outlives it; of another one there is what it says itself', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const notes = new ConnectionNotes();
  const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  const [noted, other] = sockets;
  if (!noted || !other) throw new Error('no sockets');
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  notes.note(noted);
  const facts = notes.of(noted);
  expect(facts).toEqual({
    serverPort: port,
    serverLocal: { address: '127.0.0.1', port: noted.localPort },
    serverNames: undefined,
  });
  expect(notes.of(other).serverPort).toBe(port);
  for (const socket of sockets) socket.destroy();
  await Promise.all(sockets.map((socket) => once(socket, 'close')));
  expect(notes.of(noted)).toEqual(facts);
  expect(notes.of(other).serverLocal).toBeUndefined();
  server.close();
});

test('names are in one line, as Squid has them', () => {
  const certificate = new X509Certificate(new TestCa('Notes Test CA').root);
  expect(namesOf(certificate)).toEqual({
    subject: expect.stringMatching(/^\/.*CN=Notes Test CA$/),
    issuer: expect.stringMatching(/^\/.*CN=Notes Test CA$/),
  });
  expect(namesOf(undefined)).toBeUndefined();
});
