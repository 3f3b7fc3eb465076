// Which connections are our own, seen from the other end.

import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { OwnDials } from '../../src/net/own-dials.ts';
import { socketPair } from '../support/socket-pair.ts';

describe('own dials', () => {
  test('are known by where they come from, until they are closed', async () => {
    const { near, far } = await socketPair();
    const own = new OwnDials();
    const from = { address: near.remoteAddress ?? '', port: near.remotePort ?? 0 };
    expect(own.has(from)).toBe(false);
    own.add(far);
    expect(own.has(from)).toBe(true);
    expect(own.has({ ...from, port: from.port + 1 })).toBe(false);
    expect(own.has({ ...from, address: '127.0.0.2' })).toBe(false);
    far.destroy();
    await once(far, 'close');
    expect(own.has(from)).toBe(false);
  });
});
