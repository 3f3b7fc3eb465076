// Opening ports: all or none, sockets handed over safe, and our own addresses known.

import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Listener, leadsTo, type OnSocket } from '../../src/net/listener.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { dialProxy, readAll, until } from '../support/rig.ts';
import { closed, closedPort } from '../support/socket-pair.ts';

expectNothingLeft();

const on = (address: string, port = 0) => ({ address, port, names: [] });

async function open(options: Parameters<typeof Listener.open>[0], onSocket: OnSocket = () => undefined) {
  const listener = await Listener.open(options, onSocket);
  onTestFinished(() => listener.stop());
  return listener;
}

describe('a listener', () => {
  test('opens each port and says where', async () => {
    const { addresses } = await open([on('127.0.0.1'), on('127.0.0.2'), on('::1')]);
    expect(addresses.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2', '::1']);
    for (const { port } of addresses) expect(port).toBeGreaterThan(0);
  });

  test('hands over each socket with the options of its port, half-open and guarded against errors', async () => {
    const seen: string[] = [];
    const listener = await open([on('127.0.0.1')], (socket, options) => {
      seen.push(`${options.address} ${socket.allowHalfOpen} ${socket.listenerCount('error')}`);
      onTestFinished(() => void socket.destroy());
    });
    await dialProxy(listener.addresses[0]?.port ?? 0);
    await until(() => seen.length === 1, 'the socket');
    expect(seen).toEqual(['127.0.0.1 true 1']);
  });

  test('survives a client that resets at once', async () => {
    const codes: unknown[] = [];
    const listener = await open([on('127.0.0.1')], (socket) => {
      socket.once('close', () => codes.push(socket.errored));
      socket.resume();
    });
    (await dialProxy(listener.addresses[0]?.port ?? 0)).resetAndDestroy();
    await until(() => codes.length === 1, 'the close');
    expect(codes).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
  });

  test('that is stopped accepts no more and leaves what it has', async () => {
    let sent = 0;
    const listener = await open([on('127.0.0.1')], (socket) => {
      socket.on('data', (chunk: Buffer) => {
        sent += chunk.length;
      });
      socket.once('end', () => socket.end());
    });
    const port = listener.addresses[0]?.port ?? 0;
    const early = await dialProxy(port);
    early.write('a');
    await until(() => sent === 1, 'the first byte');
    listener.stop();
    await expect(dialProxy(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    early.end('b');
    await until(() => sent === 2, 'the second byte');
    await closed(early.resume());
  });
});

describe('a listener that retires', () => {
  test('accepts whom the system has let in, and then nobody', async () => {
    let accepted = 0;
    const listener = await open([on('127.0.0.1')], (socket) => {
      accepted += 1;
      socket.end('here');
    });
    const port = listener.addresses[0]?.port ?? 0;
    const clients = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'));
    const heard = Promise.all(clients.map(async (client) => (await readAll(client)).toString()));
    // They are on their way; the system answers them before we do.
    await new Promise((resolve) => process.nextTick(resolve));
    await listener.retire();
    expect(await heard).toEqual(Array.from({ length: 50 }, () => 'here'));
    expect(accepted).toBe(50);
    await expect(dialProxy(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('does not wait for an end of those who come', async () => {
    const listener = await open([on('127.0.0.1')], (socket) => void socket.destroy());
    const port = listener.addresses[0]?.port ?? 0;
    let over = false;
    const come = (): void => {
      if (over) return;
      connect(port, '127.0.0.1')
        .on('error', () => undefined)
        .once('close', come);
    };
    for (let at = 0; at < 20; at += 1) come();
    const begin = performance.now();
    await listener.retire();
    over = true;
    expect(performance.now() - begin).toBeLessThan(5_000);
    await expect(dialProxy(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a port that cannot be opened', () => {
  test('because it is taken is told with the mend, and no other stays open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    onTestFinished(() => void taken.close());
    const bound = taken.address();
    const port = typeof bound === 'object' ? (bound?.port ?? 0) : 0;
    const free = await closedPort();
    await expect(open([on('127.0.0.1', free), on('127.0.0.1', port)])).rejects.toMatchObject({
      code: 'listen-failed',
      detail: `127.0.0.1:${port} is already in use: stop the program that has it, or choose another port under "listen".`,
    });
    await expect(dialProxy(free)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('because the address is not ours is told with the mend', async () => {
    await expect(open([on('192.0.2.1', 3128)])).rejects.toMatchObject({
      code: 'listen-failed',
      detail: '192.0.2.1:3128 is not an address of this machine: correct the address under "listen".',
    });
  });
});

describe.skipIf(process.platform !== 'linux')(
  'a port that is shared (skipped where the system has no such thing)',
  () => {
    const taken = { code: 'listen-failed', detail: expect.stringContaining('already in use') };

    async function share(port = 0, onSocket: OnSocket = () => undefined) {
      const listener = await Listener.open([on('127.0.0.1', port)], onSocket, { reusePort: true });
      onTestFinished(() => listener.stop());
      return listener.addresses[0]?.port ?? 0;
    }

    test('gives connections to all who share it', async () => {
      const seen = [0, 0];
      const count = (index: number) => (socket: Socket) => {
        seen[index] = (seen[index] ?? 0) + 1;
        socket.destroy();
      };
      const port = await share(0, count(0));
      await share(port, count(1));
      const sum = (): number => seen.reduce((all, one) => all + one, 0);
      for (let at = 0; at < 64; at += 1) await dialProxy(port);
      await until(() => sum() === 64, 'all connections');
      // Each falls to one of the two by a hash: all 64 to the same once in 2^63 runs.
      expect(Math.min(...seen)).toBeGreaterThan(0);
    });

    test('is taken for whoever wants it alone, and cannot be shared with who has it alone', async () => {
      await expect(open([on('127.0.0.1', await share())])).rejects.toMatchObject(taken);
      const alone = await open([on('127.0.0.1')]);
      await expect(share(alone.addresses[0]?.port)).rejects.toMatchObject(taken);
    });
  },
);

describe('a dial that comes back to us', () => {
  const machine =
    Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.3';

  test.each<[string, string, boolean]>([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['0.0.0.0', '127.0.0.1', true],
    ['0.0.0.0', '127.9.9.9', true],
    ['0.0.0.0', '0.0.0.0', true],
    ['0.0.0.0', '::1', true],
    ['::', '127.0.0.1', true],
    ['::', '::', true],
    ['0.0.0.0', '192.0.2.1', false],
    ['::1', '127.0.0.1', false],
    ['0.0.0.0', machine, true],
  ])('listening on %s, dialling %s: %s', (own, address, expected) => {
    expect(leadsTo([{ address: own, port: 3128 }], address, 3128)).toBe(expected);
    expect(leadsTo([{ address: own, port: 3128 }], address, 3129)).toBe(false);
  });

  test('is known with the port that the system chose', async () => {
    const listener = await open([on('127.0.0.1')]);
    const port = listener.addresses[0]?.port ?? 0;
    expect([listener.isOwn('127.0.0.1', port), listener.isOwn('127.0.0.1', port + 1)]).toEqual([true, false]);
  });
});

describe('a change of listeners', () => {
  const port = (listener: Listener, at = 0): number => listener.addresses[at]?.port ?? 0;

  test('leaves open what stays, opens what is added, closes what is gone', async () => {
    const seen: string[] = [];
    const first = await closedPort();
    const second = await closedPort();
    const listener = await open([on('127.0.0.1', first), on('127.0.0.2')], (socket, { names }) => {
      seen.push(names.join());
      socket.destroy();
    });
    const gone = port(listener, 1);
    const change = await listener.prepare([
      on('127.0.0.1', second),
      { ...on('127.0.0.1', first), names: ['new.test'] },
    ]);
    change.commit();
    expect(listener.addresses).toEqual([place(second), place(first)]);
    await dialProxy(first);
    await dialProxy(second);
    await until(() => seen.length === 2, 'both');
    expect(seen.sort()).toEqual(['', 'new.test']);
    await expect(dialTo('127.0.0.2', gone)).rejects.toThrow('ECONNREFUSED');
    expect([listener.isOwn('127.0.0.1', second), listener.isOwn('127.0.0.2', gone)]).toEqual([true, false]);
  });

  test('that is given up leaves all as it was; who came in meanwhile is cut', async () => {
    const seen: Socket[] = [];
    const added = await closedPort();
    const listener = await open([on('127.0.0.1')], (socket) => seen.push(socket));
    const change = await listener.prepare([on('127.0.0.1'), on('127.0.0.1', added)]);
    const early = await dialProxy(added);
    change.abandon();
    expect(await readAll(early)).toBe('');
    await expect(dialProxy(added)).rejects.toThrow('ECONNREFUSED');
    expect(seen).toEqual([]);
    expect(listener.addresses).toHaveLength(1);
  });

  test('hands over who came before it was settled', async () => {
    const seen: string[] = [];
    const added = await closedPort();
    const listener = await open([on('127.0.0.1')], (socket, options) => {
      seen.push(`${options.port}`);
      socket.destroy();
    });
    const change = await listener.prepare([on('127.0.0.1'), on('127.0.0.1', added)]);
    await dialProxy(added);
    await new Promise((resolve) => setImmediate(resolve));
    change.commit();
    await until(() => seen.length === 1, 'the early one');
    expect(seen).toEqual([`${added}`]);
  });

  test('that cannot be made opens nothing and closes nothing', async () => {
    const added = await closedPort();
    const listener = await open([on('127.0.0.1')], (socket) => socket.destroy());
    await expect(listener.prepare([on('127.0.0.1', added), on('192.0.2.1')])).rejects.toMatchObject({
      code: 'listen-failed',
    });
    await expect(dialProxy(added)).rejects.toThrow('ECONNREFUSED');
    (await dialProxy(port(listener))).destroy();
  });
});

const place = (port: number) => ({ address: '127.0.0.1', port });

function dialTo(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => resolve(socket));
    socket.on('error', reject);
  });
}
