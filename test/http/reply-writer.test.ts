// Replies as they go out: framed as the client can read them, counted, and told apart by how they ended.

import { describe, expect, test } from 'vitest';
import { type ReplyOptions, ReplyWriter } from '../../src/http/reply-writer.ts';
import { expectNothingLeft } from '../support/leaks.ts';
import { readAll, readUntil } from '../support/rig.ts';
import { closed, socketPair } from '../support/socket-pair.ts';

expectNothingLeft();

const OPTIONS: ReplyOptions = { method: 'GET', httpVersion: '1.1', last: false, keepAliveTimeout: 5_900 };
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

async function open(options: Partial<ReplyOptions> = {}) {
  const { near, far } = await socketPair();
  const reply = new ReplyWriter(near, { ...OPTIONS, ...options });
  near.once('close', () => reply.close());
  return { reply, near, far };
}

/** All that `write` has sent, with the date taken out. */
async function sent(write: (reply: ReplyWriter) => void, options: Partial<ReplyOptions> = {}): Promise<string> {
  const { reply, near, far } = await open(options);
  write(reply);
  const { bytes: count, complete } = await reply.done;
  near.end();
  const text = await readAll(far);
  expect([count, complete]).toEqual([text.length, true]);
  return text.replace(/Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/, '');
}

const ALIVE = 'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n';

describe('a reply', () => {
  test('with a length is sent as it is', async () => {
    const text = await sent((reply) => {
      reply.writeHead(200, 'Tr\xe8s bien', ['X-a', '\xff', 'content-length', '5']);
      reply.write(bytes('he'));
      reply.end(bytes('llo'));
    });
    expect(text).toBe(`HTTP/1.1 200 Tr\xe8s bien\r\nX-a: \xff\r\ncontent-length: 5\r\n${ALIVE}\r\nhello`);
  });

  test('without a length is sent in chunks', async () => {
    const text = await sent((reply) => {
      reply.writeHead(200, 'OK', []);
      reply.write(bytes('hello'));
      reply.write(bytes(''));
      reply.flush();
      reply.write(bytes('x'.repeat(26)));
      reply.end();
    });
    expect(text).toBe(
      `HTTP/1.1 200 OK\r\n${ALIVE}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\n${'x'.repeat(26)}\r\n0\r\n\r\n`,
    );
  });

  test('keeps its order when its end comes in the same turn as a large piece', async () => {
    const large = 'x'.repeat(65_536);
    const text = await sent((reply) => {
      reply.writeHead(200, 'OK', []);
      reply.write(bytes(large));
      reply.flush();
      reply.end();
    });
    expect(text.slice(text.indexOf('\r\n\r\n'))).toBe(`\r\n\r\n10000\r\n${large}\r\n0\r\n\r\n`);
  });

  test('is not complete while what came before its end is still on its way', async () => {
    const { reply, near } = await open({ httpVersion: '1.0' });
    near.cork();
    reply.writeHead(200, 'OK', []);
    reply.write(bytes('hello'));
    reply.flush();
    reply.end();
    near.destroy();
    expect((await reply.done).complete).toBe(false);
  });

  test('of many bytes is whole, whichever way it is written', async () => {
    const large = 'x'.repeat(100_000);
    const text = await sent((reply) => {
      reply.writeHead(200, 'OK', []);
      reply.end(bytes(large));
    });
    expect(text.slice(text.indexOf('\r\n\r\n'))).toBe(`\r\n\r\n186a0\r\n${large}\r\n0\r\n\r\n`);
  });

  test('in chunks has its trailers behind them, and one of a length has none', async () => {
    const end = (fields: string[], httpVersion: string) =>
      sent(
        (reply) => {
          reply.writeHead(200, 'OK', fields);
          reply.trailers = ['X-A', '1', 'x-b', ''];
          reply.end(bytes('hello'));
        },
        { httpVersion },
      );
    expect(await end([], '1.1')).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\nX-A: 1\r\nx-b: \r\n\r\n$/);
    expect(await end(['Content-Length', '5'], '1.1')).toMatch(/\r\n\r\nhello$/);
    expect(await end([], '1.0')).toMatch(/\r\n\r\nhello$/);
  });

  test('to HTTP/1.0 with a length keeps the connection where the client does', async () => {
    const text = await sent(
      (reply) => {
        reply.writeHead(200, 'OK', ['Content-Length', '5']);
        reply.end(bytes('hello'));
      },
      { httpVersion: '1.0' },
    );
    expect(text).toBe(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${ALIVE}\r\nhello`);
  });

  test('may have interim ones before it, but not to HTTP/1.0', async () => {
    const write = (reply: ReplyWriter): void => {
      reply.writeInterim(103, 'Early Hints', ['Link', '</a>']);
      reply.writeHead(200, 'OK', ['Content-Length', '0']);
      reply.end();
    };
    const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const final = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n';
    expect(await sent(write)).toBe(`${hint}${final}${ALIVE}\r\n`);
    expect(await sent(write, { httpVersion: '1.0', last: true })).toBe(`${final}Connection: close\r\n\r\n`);
  });

  test('that changes the protocol is its own end, and has no field of ours', async () => {
    const text = await sent((reply) => {
      reply.writeSwitch('Switching Protocols', ['Connection', 'Upgrade', 'Upgrade', 'x']);
      reply.end(bytes('hello'));
    });
    expect(text).toBe('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
  });

  test('to HTTP/1.0 without a length ends with the connection', async () => {
    const text = await sent(
      (reply) => {
        reply.writeHead(200, 'OK', []);
        reply.end(bytes('hello'));
      },
      { httpVersion: '1.0' },
    );
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
  });

  test.each([
    ['HEAD', 200, ['Content-Length', '5']],
    ['GET', 204, []],
    ['GET', 205, ['Content-Length', '5']],
    ['GET', 304, ['Content-Length', '5']],
    ['HEAD', 200, []],
  ])('to %s with %i has no body', async (method, status, fields) => {
    const text = await sent(
      (reply) => {
        reply.writeHead(status, '', fields);
        reply.end(bytes('hello'));
      },
      { method },
    );
    expect(text).toBe(`HTTP/1.1 ${status} \r\n${fields.length > 0 ? 'Content-Length: 5\r\n' : ''}${ALIVE}\r\n`);
  });

  test.each([
    ['by the client', { last: true }, false],
    ['by us', {}, true],
  ])('that was made the last one %s says so', async (_who, options, byUs) => {
    const text = await sent((reply) => {
      if (byUs) reply.last = true;
      reply.writeHead(200, 'OK', ['Content-Length', '0']);
      reply.end();
    }, options);
    expect(text).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });

  test('has the date of the origin, or one of ours', async () => {
    const theirs = await sent((reply) => {
      reply.writeHead(200, 'OK', ['date', 'x', 'Content-Length', '0']);
      reply.end();
    });
    expect(theirs).toBe(`HTTP/1.1 200 OK\r\ndate: x\r\nContent-Length: 0\r\n${ALIVE}\r\n`);
    const { reply, far } = await open();
    reply.writeHead(200, 'OK', ['Content-Length', '0']);
    reply.end();
    const date = /\r\nDate: (.*)\r\n/.exec(await readUntil(far, '\r\n\r\n'))?.[1] ?? '';
    expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(3_000);
  });

  test('behind an interim one counts that too', async () => {
    const text = await sent((reply) => {
      reply.writeContinue();
      reply.writeHead(200, 'OK', ['Content-Length', '0']);
      reply.end();
      reply.end();
    });
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  test('goes out with the first bytes of its body', async () => {
    const { reply, near } = await open();
    let writes = 0;
    const write = near.write.bind(near);
    Object.assign(near, {
      write: (...args: Parameters<typeof write>) => {
        writes += 1;
        return write(...args);
      },
    });
    reply.writeHead(200, 'OK', []);
    reply.write(bytes('hello'));
    expect(writes).toBe(0);
    reply.end();
    expect(writes).toBe(1);
  });
});

describe('a client', () => {
  test('that has too much to take says so, and when it can take more', async () => {
    const { reply, far } = await open();
    reply.writeHead(200, 'OK', []);
    let goesOn = reply.flush();
    expect(goesOn).toBe(true);
    while (goesOn) {
      reply.write(Buffer.alloc(65_536));
      goesOn = reply.flush();
    }
    const drained = new Promise<void>((resolve) => {
      reply.onDrain = resolve;
    });
    far.resume();
    await drained;
    expect(reply.flush()).toBe(true);
  });

  test('that takes nothing of many small pieces makes whoever writes them wait', async () => {
    const { reply, near, far } = await open();
    reply.writeHead(200, 'OK', []);
    let written = 0;
    for (; reply.flush(); written += 1) {
      expect(written).toBeLessThan(10_000);
      reply.write(Buffer.alloc(3_000));
    }
    expect(near.writableLength).toBeLessThanOrEqual(65_536);
    const drained = new Promise<void>((resolve) => {
      reply.onDrain = resolve;
    });
    far.resume();
    await drained;
    expect(reply.flush()).toBe(true);
  });

  test.each(['before the reply', 'within the reply'])('that goes away %s leaves it incomplete', async (when) => {
    const { reply, near, far } = await open();
    let told = 0;
    reply.onGone = () => {
      told += 1;
    };
    if (when === 'within the reply') {
      reply.writeHead(200, 'OK', []);
      reply.write(bytes('begun'));
      reply.flush();
      await readUntil(far, 'begun');
    }
    far.resetAndDestroy();
    near.resume();
    await closed(near);
    const { bytes: count, complete } = await reply.done;
    expect([count > 0, complete, told, reply.gone]).toEqual([when === 'within the reply', false, 1, true]);
    reply.end();
  });
});
