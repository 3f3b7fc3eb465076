// The PROXY header on a socket: taken from those who are trusted, refused from all others, in any pieces, never waited for
// without end.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type Fronted, ProxyHeaders } from '../../src/net/proxy-headers.ts';
import { ends, hearBytes } from '../support/hear.ts';
import { binaryHeader, inet, lineHeader, TOLD } from '../support/proxy-header.ts';

const TRUSTED = '10.0.0.1';
const STRANGER = '192.0.2.1';
const LONG = 5_000;
const headers = (most = 10): ProxyHeaders => new ProxyHeaders({ from: ['10.0.0.0/8'] }, most);
const told = { kind: 'in', client: { address: TOLD.from, port: TOLD.fromPort } };
const refusal = (detail: RegExp): object => ({
  kind: 'refused',
  error: expect.objectContaining({ code: 'proxy-header', detail: expect.stringMatching(detail) }),
});

/** Sends pieces, each when the one before has arrived. */
async function sendApart(far: Socket, near: Socket, pieces: readonly Buffer[]): Promise<void> {
  let sent = near.bytesRead;
  for (const piece of pieces) {
    far.write(piece);
    sent += piece.length;
    while (near.bytesRead < sent) await new Promise(setImmediate);
  }
}

describe('a trusted source', () => {
  test.each([
    ['version 1', lineHeader()],
    ['version 2', binaryHeader(0x21, 0x11, inet())],
  ])('tells the client by %s, and what follows stays to be read', async (_name, header) => {
    const { near, far, inlet } = await ends();
    far.write(Buffer.concat([header, Buffer.from('CONNECT')]));
    expect(await headers().take(inlet, TRUSTED, LONG)).toEqual(told);
    expect(near.destroyed).toBe(false);
    expect((await hearBytes(inlet, 7)).toString()).toBe('CONNECT');
  });

  test.each([
    ['version 1', lineHeader()],
    ['version 2', binaryHeader(0x21, 0x11, inet())],
  ])('LB-05: may send %s byte by byte, and the rest later', async (_name, header) => {
    const { near, far, inlet } = await ends();
    const taken = headers().take(inlet, TRUSTED, LONG);
    await sendApart(
      far,
      near,
      [...header].map((byte) => Buffer.from([byte])),
    );
    expect(await taken).toEqual(told);
    far.write('later');
    expect((await hearBytes(inlet, 5)).toString()).toBe('later');
  });

  test('speaks for itself by LOCAL', async () => {
    const { far, inlet } = await ends();
    far.end(binaryHeader(0x20, 0, Buffer.alloc(0)));
    expect(await headers().take(inlet, TRUSTED, LONG)).toEqual({ kind: 'in' });
  });

  test.each([
    ['anything else first', Buffer.from('CONNECT a:443 HTTP/1.1\r\n'), /begins without one/],
    ['a broken header', Buffer.from('PROXY TCP4 1.2.3.4\r\n'), /malformed: the line is not that of version 1\.$/],
  ])('LB-02/03: that sends %s is refused', async (_name, bytes, detail) => {
    const { far, inlet } = await ends();
    far.write(bytes);
    expect(await headers().take(inlet, TRUSTED, LONG)).toEqual(refusal(detail));
  });

  test.each([1, 5, 20])('LB-05: that ends after %i bytes is refused', async (length) => {
    const { far, inlet } = await ends();
    far.end(lineHeader().subarray(0, length));
    expect(await headers().take(inlet, TRUSTED, LONG)).toEqual(refusal(/cut short/));
  });

  test('that ends without a byte is gone', async () => {
    const { far, inlet } = await ends();
    far.end();
    expect(await headers().take(inlet, TRUSTED, LONG)).toEqual({ kind: 'gone' });
  });

  test('that is reset before it could be asked who it is, is gone', async () => {
    const { inlet } = await ends();
    expect(await headers().take(inlet, '', LONG)).toEqual({ kind: 'gone' });
  });

  test.each([0, 5, 20])('LB-05: that stops after %i bytes is refused at the deadline', async (length) => {
    const { far, inlet } = await ends();
    far.write(lineHeader().subarray(0, length));
    expect(await headers().take(inlet, TRUSTED, 50)).toEqual(refusal(/did not arrive in time/));
  });

  test('LB-05: is refused where too many of its connections have said nothing yet', async () => {
    const gate = headers(2);
    const [first, second] = [await ends(), await ends()];
    const waiting = gate.take(first.inlet, TRUSTED, LONG);
    const { kind, error } = (await gate.take(second.inlet, TRUSTED, LONG)) as Extract<Fronted, { kind: 'refused' }>;
    expect({ kind, code: error.code }).toEqual({ kind: 'refused', code: 'overloaded' });
    first.far.write(lineHeader());
    expect(await waiting).toEqual(told);
    second.far.write(lineHeader());
    expect(await gate.take(second.inlet, TRUSTED, LONG)).toEqual(told);
  });
});

describe('any other source', () => {
  test.each([
    ['CONNECT a:443 HTTP/1.1\r\n'],
    ['\x16\x03\x01'],
    ['POST / HTTP/1.1\r\n'],
    ['PROPFIND / HTTP/1.1\r\n'],
    ['\r\nGET / HTTP/1.1\r\n'],
  ])('is its own client, and %j stays to be read', async (text) => {
    const { inlet, far } = await ends();
    far.write(text, 'latin1');
    expect(await headers().take(inlet, STRANGER, LONG)).toEqual({ kind: 'in' });
    expect((await hearBytes(inlet, text.length)).toString('latin1')).toBe(text);
  });

  test.each([
    ['version 1', lineHeader()],
    ['version 2', binaryHeader(0x21, 0x11, inet())],
    ['a broken line', Buffer.from('PROXY nonsense\r\n')],
  ])('LB-01: is refused with %s', async (_name, bytes) => {
    const { far, inlet } = await ends();
    far.write(bytes);
    expect(await headers().take(inlet, STRANGER, LONG)).toEqual(refusal(/not a trusted one/));
  });

  test('LB-05: that says nothing keeps no trusted one out', async () => {
    const gate = headers(2);
    const [silent, second, third] = [await ends(), await ends(), await ends()];
    const waiting = gate.take(silent.inlet, STRANGER, LONG);
    // Nobody looks whether it has a header: the parser will.
    expect(await gate.take(second.inlet, STRANGER, LONG)).toEqual({ kind: 'in' });
    third.far.write(lineHeader());
    expect(await gate.take(third.inlet, TRUSTED, LONG)).toEqual(told);
    silent.far.destroy();
    await once(silent.far, 'close');
    expect(await waiting).toEqual({ kind: 'in' });
  });
});
