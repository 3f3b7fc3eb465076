import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findSocket } from '../../src/squid/find-socket.ts';

test('the control socket is beside the pid file that the squid.conf names, else where ours is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'socket-'));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  expect(await findSocket(write('squid.conf', 'http_port 3128\npid_filename /run/px/squid.pid\n'))).toBe(
    '/run/px/sallyport.sock',
  );
  expect(await findSocket(write('squid-c.conf', 'nonsense\npid_filename /run/px/squid.pid\n'))).toBe(
    '/run/px/sallyport.sock',
  );
  expect(await findSocket(write('squid-b.conf', 'http_port 3128\nnonsense\n'))).toBe(
    join(folder, 'run/sallyport.sock'),
  );
  expect(await findSocket(write('a.yaml', 'version: 1\nadmin: { socket: off }\n'))).toBeUndefined();
});
