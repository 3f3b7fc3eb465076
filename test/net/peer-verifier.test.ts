// The whole verdict on what an origin showed, without a socket, and what is remembered of it.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { type Authority, parseAuthority } from '../../src/core/authority.ts';
import { PeerVerifier, type Shown } from '../../src/net/peer-verifier.ts';
import { OwnCa } from '../../src/pki/own-ca.ts';
import { leafFor, type Made, Workshop } from '../support/chain-workshop.ts';
import { readCertificate } from '../support/read-chain.ts';
import { portOf } from '../support/socket-pair.ts';

const shop = new Workshop();
afterAll(() => shop.close());
const NOW = Date.UTC(2026, 0, 1);

const root = await shop.root();
const middle = await shop.middle();
const short = await shop.issue(middle, { from: '20251231000000Z', to: '20260102000000Z' });
const roots = [new X509Certificate(root.cert)];
const authority = (text: string): Authority => {
  const parsed = parseAuthority(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
};
const OK = authority('ok.test:443');

/** As Node hands it out, with its issuers linked. */
async function shown(leaf: Made, ...others: readonly Made[]): Promise<Shown> {
  const cert = [leaf, ...others].map((made) => made.cert).join('');
  const server = createServer({ cert, key: leaf.key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({ host: '127.0.0.1', port: portOf(server), servername: 'ok.test', rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return { leaf: socket.getPeerX509Certificate(), staple: undefined, resumed: false };
  } finally {
    socket.destroy();
    server.close();
  }
}

const word = (verifier: PeerVerifier, what: Shown, to = OK, now = NOW): string => {
  const refusal = verifier.refusal(what, to, now);
  return refusal ? (/\(([\w-]+)\)$/.exec(refusal.detail)?.[1] ?? refusal.code) : 'accepted';
};

describe('a chain that has stood', () => {
  test('is judged by its names every time', async () => {
    const verifier = new PeerVerifier(roots, undefined);
    const peer = await shown(short, middle);
    const words = ['ok.test:443', 'other.test:443', 'ok.test:443'].map((to) => word(verifier, peer, authority(to)));
    expect(words).toEqual(['accepted', 'upstream-name', 'accepted']);
  });

  test('is not remembered beyond its dates, nor before them', async () => {
    const verifier = new PeerVerifier(roots, undefined);
    const peer = await shown(short, middle);
    const days = [0, 2, 0, -2, 0].map((day) => word(verifier, peer, OK, NOW + day * 86_400_000));
    expect(days).toEqual(['accepted', 'expired', 'accepted', 'not-yet-valid', 'accepted']);
  });

  test('is remembered by nobody else', async () => {
    const peer = await shown(short, middle);
    expect(word(new PeerVerifier(roots, undefined), peer)).toBe('accepted');
    expect(word(new PeerVerifier([], undefined), peer)).toBe('no-path');
  });

  test('does not stand for another one with the same leaf', async () => {
    const verifier = new PeerVerifier(roots, undefined);
    expect(word(verifier, await shown(short, middle))).toBe('accepted');
    expect(word(verifier, await shown(short))).toBe('no-path');
  });
});

describe('a peer', () => {
  test('that resumed a session, or has no certificate, is refused whatever else it has', async () => {
    const verifier = new PeerVerifier(roots, undefined);
    const peer = await shown(short, middle);
    expect(word(verifier, { ...peer, resumed: true })).toBe('resumed');
    expect(word(verifier, { ...peer, leaf: undefined })).toBe('upstream-certificate');
  });

  test('whose leaf promises a staple has to bring a good one', async () => {
    const leaf = await shop.issue(middle, { extensions: [...leafFor('DNS:ok.test'), 'tlsfeature=status_request'] });
    const verifier = new PeerVerifier(roots, undefined);
    const peer = await shown(leaf, middle);
    const staple = await shop.ocspResponse({ leaf, issuer: middle, signer: middle });
    expect(word(verifier, peer, OK, Date.now())).toBe('no-staple');
    expect(word(verifier, { ...peer, staple }, OK, Date.now())).toBe('accepted');
  });

  test('with our own CA is refused, also where OpenSSL has refused it before', async () => {
    const { certificate, facts } = readCertificate(middle.cert);
    const own = { certificate, subject: Buffer.from(facts.subject), keyId: Buffer.from(facts.subjectKeyId ?? []) };
    const verifier = new PeerVerifier(roots, new OwnCa(own));
    const peer = await shown(short);
    const verdict = Object.assign(new Error('x'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect(word(verifier, peer)).toBe('own-CA');
    expect(verifier.explain(verdict, peer.leaf, OK).detail).toMatch(/\(own-CA\)$/);
    const plain = new PeerVerifier(roots, undefined);
    expect(plain.explain(verdict, peer.leaf, OK).detail).toMatch(/\(X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/);
    expect(plain.explain(verdict, undefined, OK).code).toBe('upstream-certificate');
  });
});
