// Where the proxy of a config is asked, whatever has become of that config.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findSocket } from '../../src/config/find-socket.ts';

test.each<[what: string, text: string | undefined, socket: string | undefined]>([
  ['that is sound', 'version: 1\nadmin: { socket: a.sock }', 'a.sock'],
  ['that says off', 'version: 1\nadmin: { socket: off }', undefined],
  ['that says nothing', 'version: 1', 'run/sallyport.sock'],
  ['that has a mistake elsewhere', 'version: 7\nadmin: { socket: a.sock }', 'a.sock'],
  ['that has a mistake elsewhere and says off', 'version: 7\nadmin: { socket: off }', undefined],
  ['that is no YAML behind it', 'version: 1\nadmin: { socket: "a.sock" }\npolicy: { rules: [', 'a.sock'],
  ['that is no YAML before it', 'version: [1\nadmin:\n  listen: 127.0.0.1:1\n  socket: a.sock # here\n', 'a.sock'],
  ['that is empty', '', 'run/sallyport.sock'],
  ['that is not there', undefined, 'run/sallyport.sock'],
])('of a config %s', async (_, text, socket) => {
  const folder = mkdtempSync(join(tmpdir(), 'find-'));
  const file = join(folder, 'p.yaml');
  if (text !== undefined) writeFileSync(file, text);
  expect(await findSocket(file)).toBe(socket === undefined ? undefined : join(folder, socket));
});
