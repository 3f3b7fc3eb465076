// Origins with certificates of every kind behind a whole proxy: what is refused sends no byte of a request, tells the
// client why and leaves the reason in the log; what is only unusual works.

import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CA, leafFor, type Made, SERVER, Workshop } from '../support/chain-workshop.ts';
import { get, openRig, type Rig, type RigOptions, startRig, tlsThrough } from '../support/rig.ts';
import { portOf } from '../support/socket-pair.ts';
import { type CertificateRow, ORIGIN_CERTIFICATES, type Served } from './tables/origin-certificates.ts';

const NAMES = ['ok.test', 'foo.wild.test', 'x.y.wild.test', 'wild.test', 'xn--bcher-kva.test'];
const POLICY = { rules: [{ name: 'all', hosts: ['.test', '127.0.0.1', '[::1]'], action: 'allow' as const }] };

const shop = new Workshop();
const made = new Map<CertificateRow, Served>();
let rig: Rig;

beforeAll(async () => {
  await Promise.all(ORIGIN_CERTIFICATES.map(async (row) => made.set(row, await row.make(shop))));
  const trust = join(shop.folder, 'trust.pem');
  writeFileSync(trust, shop.trusted.join(''));
  rig = await openRig({
    trust: [trust],
    hosts: Object.fromEntries(NAMES.map((name) => [name, '127.0.0.1'])),
    policy: POLICY,
    allowAddresses: ['127.0.0.0/8', '::1/128'],
  });
});
afterAll(async () => {
  await rig.proxy.close(0);
  shop.close();
});

interface Origin {
  readonly port: number;
  /** What came through TLS. */
  readonly got: () => string;
  /** Of each handshake, whether it resumed a session. */
  readonly resumed: () => boolean[];
  /** From now on. */
  show(served: Served): void;
  close(): void;
}

/** Weak keys and hashes too. */
const ANYTHING = {
  ciphers: 'DEFAULT:@SECLEVEL=0',
  sigalgs: 'rsa_pss_rsae_sha256:RSA+SHA256:ECDSA+SHA256:ECDSA+SHA512:ECDSA+SHA1:RSA+SHA1',
};
const shownAs = ({ chain, key }: Served) => ({ ...ANYTHING, cert: chain.join(''), key });

/** Serves whatever it is told to, and keeps what it gets. */
async function origin(
  served: Served,
  address: string,
  options: TlsOptions = {},
  staple: Buffer | null = null,
): Promise<Origin> {
  let got = '';
  const resumed: boolean[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ ...shownAs(served), ...options }, (socket: TLSSocket) => {
    let request = '';
    resumed.push(socket.isSessionReused());
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      request += chunk.toString('latin1');
      got += chunk.toString('latin1');
      if (request.endsWith('\r\n\r\n'))
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    });
  });
  if (staple) {
    type Answer = (error: Error | null, response: Buffer) => void;
    server.on('OCSPRequest', (_leaf: Buffer, _issuer: Buffer, answer: Answer) => answer(null, staple));
  }
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    port: portOf(server),
    got: () => got,
    resumed: () => resumed,
    show: (other) => server.setSecureContext({ ...shownAs(other), ...options }),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Answer {
  readonly reply: string;
  /** The word by which a machine finds the reason; `accepted` without one. */
  readonly reason: string;
}

interface Outcome extends Answer {
  readonly got: string;
}

/** One request through the proxy, and what its log says of it. */
async function ask(through: Rig, authority: string): Promise<Answer> {
  const isName = authority.includes('.test');
  const names = isName ? {} : { servername: '', checkServerIdentity: () => undefined };
  const before = (await through.entries(0)).length;
  const reply = await get(await tlsThrough(through.port, authority, { ca: through.ca, ...names }), authority);
  // Ports come again, so only the lines of this request count: the CONNECT and the GET, in either order.
  const lines = (await through.entries(before + 2)).slice(before);
  const last = lines.find(({ method }) => method === 'GET');
  const error = last?.['error'];
  const word = /\(([\w-]+)\)$/.exec(String(last?.['error_detail'] ?? ''))?.[1];
  return { reply, reason: error === undefined ? 'accepted' : (word ?? String(error)) };
}

async function fetch(
  through: Rig,
  served: Served,
  host = 'ok.test',
  options: TlsOptions = {},
  staple: Buffer | null = null,
): Promise<Outcome> {
  const behind = await origin(served, host === '[::1]' ? '::1' : '127.0.0.1', options, staple);
  try {
    return { ...(await ask(through, `${host}:${behind.port}`)), got: behind.got() };
  } finally {
    behind.close();
  }
}

/** Trusts what it is told to and has a CA of its own; closed with the test. */
function rigFor(options: RigOptions): Promise<Rig> {
  return startRig({ hosts: { 'ok.test': '127.0.0.1', 'foo.wild.test': '127.0.0.1' }, policy: POLICY, ...options });
}

function servedBy(row: CertificateRow): Served {
  const served = made.get(row);
  if (!served) throw new Error(`${row.name} was not made`);
  return served;
}

const good = ORIGIN_CERTIFICATES.filter(({ expected }) => expected === 'accepted');
const bad = ORIGIN_CERTIFICATES.filter(({ expected }) => expected !== 'accepted');

describe('a bad origin certificate', () => {
  test('there are enough kinds of them, and of good ones', () => {
    expect(bad.length).toBeGreaterThanOrEqual(40);
    expect(good.length).toBeGreaterThanOrEqual(10);
    expect(new Set(ORIGIN_CERTIFICATES.map(({ name }) => name)).size).toBe(ORIGIN_CERTIFICATES.length);
  });

  test.each(bad)('$id $name is refused: $expected', async (row) => {
    const { reply, got, reason } = await fetch(rig, servedBy(row), row.host);
    expect({ reason, got }).toEqual({ reason: row.expected, got: '' });
    expect(reply).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(reply).toContain('X-Squid-Error: ERR_SECURE_CONNECT_FAIL');
  });
});

describe('an unusual but good origin certificate', () => {
  test.each(good)('$id $name works', async (row) => {
    const { reply, got, reason } = await fetch(rig, servedBy(row), row.host);
    expect(reason).toBe('accepted');
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(got).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
  });
});

describe('our own interception CA', () => {
  const files = (made: Made) => ({ cert: made.certFile, key: made.keyFile });
  const ownRoot = () => shop.issue(undefined, { subject: '/CN=interception root', keyName: 'own', extensions: CA });

  test.each([
    ['trusted by mistake', true],
    ['not trusted', false],
  ])('TLSV-20 %s: a leaf of it from outside is refused', async (_, trusted) => {
    const ca = await ownRoot();
    const through = await rigFor({ trust: [trusted ? ca.certFile : (await shop.root()).certFile], caFiles: files(ca) });
    const leaf = await shop.issue(ca, {});
    for (const chain of [[leaf.cert], [leaf.cert, ca.cert]]) {
      const { reply, got, reason } = await fetch(through, { chain, key: leaf.key });
      expect({ reason, got }).toEqual({ reason: 'own-CA', got: '' });
      expect(reply).toMatch(/^HTTP\/1\.1 503 /);
    }
  });

  test('TLSV-20 below a root that is trusted: its leaves are refused, those of the root are not', async () => {
    const root = await shop.root();
    const ca = await shop.middle('interception');
    const withRoot = join(shop.folder, 'interception.pem');
    writeFileSync(withRoot, ca.cert + root.cert);
    const through = await rigFor({ trust: [root.certFile], caFiles: { cert: withRoot, key: ca.keyFile } });
    const stolen = await shop.issue(ca, {});
    const other = await shop.issue(root, {});
    const middle = await shop.issue(ca, { subject: '/CN=under us', keyName: 'under us', extensions: CA });
    const deeper = await shop.issue(middle, {});
    expect((await fetch(through, { chain: [stolen.cert, ca.cert], key: stolen.key })).reason).toBe('own-CA');
    expect((await fetch(through, { chain: [deeper.cert, middle.cert, ca.cert], key: deeper.key })).reason).toBe(
      'own-CA',
    );
    expect((await fetch(through, { chain: [other.cert], key: other.key })).reason).toBe('accepted');
  });
});

describe('a chain that changes', () => {
  test('TLSV-23 from good to bad at one address is refused at once, and the good one is taken again', async () => {
    const middle = await shop.middle();
    const leaf = await shop.issue(middle, {});
    const expired = await shop.issue(middle, { from: '20200101000000Z', to: '20210101000000Z' });
    const wide = await shop.issue(middle, {
      extensions: [...leafFor('DNS:ok.test'), 'nameConstraints=permitted;DNS:test'],
    });
    const server = await origin({ chain: [leaf.cert, middle.cert], key: leaf.key }, '127.0.0.1');
    try {
      const reasons: string[] = [];
      for (const shown of [leaf, leaf, expired, leaf, wide, leaf]) {
        server.show({ chain: [shown.cert, middle.cert], key: shown.key });
        reasons.push((await ask(rig, `ok.test:${server.port}`)).reason);
      }
      const refused = ['X509_V_ERR_CERT_HAS_EXPIRED', 'constraints-in-leaf'];
      expect(reasons).toEqual(['accepted', 'accepted', refused[0], 'accepted', refused[1], 'accepted']);
    } finally {
      server.close();
    }
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'TLSV-24 a ticket for one name opens nothing for another at the same address, in %s',
    async (maxVersion) => {
      const middle = await shop.middle();
      const leaf = await shop.issue(middle, {});
      const server = await origin({ chain: [leaf.cert, middle.cert], key: leaf.key }, '127.0.0.1', { maxVersion });
      try {
        expect((await ask(rig, `ok.test:${server.port}`)).reason).toBe('accepted');
        const other = await ask(rig, `foo.wild.test:${server.port}`);
        expect(other.reason).toBe('upstream-name');
        expect((await ask(rig, `ok.test:${server.port}`)).reason).toBe('accepted');
        // The handshake that was refused may have ended before the server knew of it.
        expect(server.resumed().length).toBeGreaterThanOrEqual(2);
        expect(server.resumed()).not.toContain(true);
        expect(server.got()).not.toContain('foo.wild.test');
      } finally {
        server.close();
      }
    },
  );
});

describe('a chain that would cost much', () => {
  const measure = async (served: Served): Promise<{ reason: string; cpu: number; memory: number }> => {
    const [memory, cpu] = [process.memoryUsage().rss, process.cpuUsage()];
    const { reason } = await fetch(rig, served);
    const { user, system } = process.cpuUsage(cpu);
    return { reason, cpu: (user + system) / 1e6, memory: (process.memoryUsage().rss - memory) / 2 ** 20 };
  };

  test.each<[string, string, () => Promise<Served>]>([
    [
      '50 intermediates of one name and key identifier, the right one last',
      'accepted',
      async () => {
        const extensions = CA.slice(0, 2);
        const wish = (at: number) => ({ subject: '/CN=many', keyName: `many${at}`, extensions });
        const root = await shop.root();
        const all = await Promise.all(Array.from({ length: 50 }, (_, at) => shop.issue(root, wish(at))));
        const leaf = await shop.issue(all[49], {
          extensions: ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:ok.test'],
        });
        return { chain: [leaf.cert, ...all.map(({ cert }) => cert)], key: leaf.key };
      },
    ],
    ['5,000 names', 'accepted', () => manyNames(5_000)],
    ['10,000 names, beyond what OpenSSL reads', 'upstream-tls', () => manyNames(10_000)],
    [
      'a chain of a megabyte',
      'upstream-tls',
      async () => {
        const middle = await shop.middle();
        const leaf = await shop.issue(middle, {});
        return { chain: [leaf.cert, ...Array.from({ length: 2_000 }, () => middle.cert)], key: leaf.key };
      },
    ],
    [
      '1,000 name constraints times 1,000 names',
      'too-complex',
      async () => {
        const constraints = Array.from({ length: 1_000 }, (_, at) => `permitted;DNS.${at}=n${at}.test`);
        const limited = await shop.issue(await shop.root(), {
          subject: '/CN=many limits',
          keyName: 'many limits',
          extensions: [...CA, 'nameConstraints=critical,@limits'],
          sections: `[limits]\n${constraints.join('\n')}\npermitted;DNS.x=ok.test\n`,
        });
        const names = ['DNS:ok.test', ...Array.from({ length: 999 }, (_, at) => `DNS:n${at}.test`)].join(',');
        const leaf = await shop.issue(limited, { extensions: leafFor(names) });
        return { chain: [leaf.cert, limited.cert], key: leaf.key };
      },
    ],
  ])('TLSV-28 %s: %s', async (_, expected, make) => {
    const { reason, cpu, memory } = await measure(await make());
    expect(reason).toBe(expected);
    expect(cpu).toBeLessThan(1);
    expect(memory).toBeLessThan(20);
  });

  async function manyNames(count: number): Promise<Served> {
    const middle = await shop.middle();
    const names = ['ok.test', ...Array.from({ length: count - 1 }, (_, at) => `n${at}.test`)];
    const leaf = await shop.issue(middle, { extensions: leafFor(names.map((name) => `DNS:${name}`).join(',')) });
    return { chain: [leaf.cert, middle.cert], key: leaf.key };
  }
});

describe('a certificate that is revoked', () => {
  test.each([
    ['TLSV-22 by a list', ['revoked'], 'X509_V_ERR_CERT_REVOKED'],
    ['TLSV-22 not, by a list that is current', [], 'accepted'],
    ['TLSV-22 not, by a list that has expired', ['expired'], 'X509_V_ERR_CRL_HAS_EXPIRED'],
    ['TLSV-22 perhaps: the list of another CA', ['other'], 'X509_V_ERR_UNABLE_TO_GET_CRL'],
  ] as const)('%s', async (_, how, expected) => {
    const root = await shop.root();
    const leaf = await shop.issue(root, {});
    const signer = how[0] === 'other' ? await shop.root('RSA root', { key: 'RSA-2048' }) : root;
    const list = await shop.revocations(signer, how[0] === 'revoked' ? [leaf] : [], how[0] === 'expired');
    const through = await rigFor({ trust: [root.certFile], crl: [list] });
    expect((await fetch(through, { chain: [leaf.cert], key: leaf.key })).reason).toBe(expected);
  });

  test.each([
    ['revoked', 'plain', 'revoked'],
    ['good', 'plain', 'accepted'],
    ['absent', 'plain', 'accepted'],
    ['garbage', 'plain', 'accepted'],
    ['good', 'must-staple', 'accepted'],
    ['revoked', 'must-staple', 'revoked'],
    ['absent', 'must-staple', 'no-staple'],
    ['garbage', 'must-staple', 'no-staple'],
    ['of another certificate', 'must-staple', 'no-staple'],
    ['by a stranger', 'must-staple', 'no-staple'],
    ['by a delegate', 'must-staple', 'accepted'],
    ['by one who is no delegate', 'must-staple', 'no-staple'],
    ['old', 'must-staple', 'no-staple'],
  ] as const)('TLSV-22 a staple that is %s, %s: %s', async (kind, promise, expected) => {
    const middle = await shop.middle();
    const feature = promise === 'must-staple' ? ['tlsfeature=status_request'] : [];
    const leaf = await shop.issue(middle, { extensions: [...leafFor('DNS:ok.test'), ...feature] });
    const other = await shop.issue(middle, {});
    const delegated = (purpose: string, issuer: Made) =>
      shop.issue(issuer, { subject: '/CN=ocsp', keyName: 'ocsp', extensions: [...SERVER.slice(0, 1), purpose] });
    const signer =
      kind === 'by a delegate'
        ? await delegated('extendedKeyUsage=OCSPSigning', middle)
        : kind === 'by one who is no delegate'
          ? await delegated('extendedKeyUsage=serverAuth', middle)
          : kind === 'by a stranger'
            ? await delegated('extendedKeyUsage=OCSPSigning', await shop.root())
            : middle;
    const about = kind === 'of another certificate' ? other : leaf;
    const made = await shop.ocspResponse({
      leaf: about,
      issuer: middle,
      signer,
      revoked: kind === 'revoked',
      old: kind === 'old',
    });
    const staple = kind === 'absent' ? null : kind === 'garbage' ? Buffer.from('30030a0100', 'hex') : made;
    const served = { chain: [leaf.cert, middle.cert], key: leaf.key };
    expect((await fetch(rig, served, 'ok.test', {}, staple)).reason).toBe(expected);
  });
});
