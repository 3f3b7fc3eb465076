import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { createUpstreamContext } from '../../src/pki/upstream-trust.ts';
import { describeChainError } from '../../src/pki/verify-upstream.ts';
import { bundle, CA_EXTENSIONS, issue, KEY_ID, openssl, type Pair, temporaryFolder } from './fixtures.ts';

const run = promisify(execFile);
const folder = temporaryFolder();
const LEAF = ['subjectAltName=DNS:ok.test', 'extendedKeyUsage=serverAuth', KEY_ID];
const root = issue(folder, 'root');
const middle = issue(folder, 'middle', { issuer: root });
const leaf = issue(folder, 'leaf', { issuer: middle, extensions: LEAF });
const chained = bundle(join(folder, 'chained.pem'), leaf.cert, middle.cert);
const other = issue(folder, 'other-root');

type Origin = { cert: string; key: string } & TlsOptions;

const verdict = async (origin: Origin, trust: readonly string[]): Promise<string> =>
  (await attempt(origin, trust)).code;

/** The outcome of a handshake with an origin that shows these certificates: `ok`, or the code of the error. */
async function attempt(
  origin: Origin,
  trust: readonly string[],
  crl: readonly string[] = [],
): Promise<{ code: string; message: string }> {
  const { cert, key, ...rest } = origin;
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key), ...rest });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    servername: 'ok.test',
    secureContext: createUpstreamContext(trust, crl),
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
  });
  try {
    await once(socket, 'secureConnect');
    return { code: 'ok', message: '' };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { code: 'code' in error ? String(error.code) : '', message: error.message };
  } finally {
    socket.destroy();
    server.close();
  }
}

function constrained(constraint: string): Pair {
  const name = constraint.replace(/\W/g, '-');
  const ca = issue(folder, name, {
    issuer: root,
    extensions: [...CA_EXTENSIONS, `nameConstraints=critical,${constraint}`],
  });
  const signed = issue(folder, `${name}-leaf`, { issuer: ca, extensions: LEAF });
  return { key: signed.key, cert: bundle(join(folder, `${name}-chain.pem`), signed.cert, ca.cert) };
}

describe('what is trusted', () => {
  test('a chain that ends in a root from a file', async () => {
    expect(await verdict({ cert: chained, key: leaf.key }, [other.cert, root.cert])).toBe('ok');
  });

  test('nothing but what is named', async () => {
    expect(await verdict({ cert: chained, key: leaf.key }, [other.cert])).toBe('UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
    expect(await verdict({ cert: chained, key: leaf.key }, ['system'])).toBe('UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
  });

  test('an intermediate in a file helps an origin that does not send it', async () => {
    expect(await verdict(leaf, [root.cert])).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(await verdict(leaf, [bundle(join(folder, 'both.pem'), root.cert, middle.cert)])).toBe('ok');
  });

  test('an intermediate alone is not trusted', async () => {
    expect(await verdict({ cert: chained, key: leaf.key }, [middle.cert])).toBe('UNABLE_TO_GET_ISSUER_CERT');
  });

  test('a self-signed certificate of an origin, when it is named', async () => {
    const alone = issue(folder, 'alone', { extensions: LEAF });
    expect(await verdict(alone, [root.cert])).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(await verdict(alone, [alone.cert])).toBe('ok');
  });

  test.each([
    ['what SSL_CERT_FILE names', root.cert, 'trusted'],
    [
      'the list of Node where the system has none, so not our root',
      join(folder, 'absent'),
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ],
  ])('system is %s', async (_, file, expected) => {
    const server = createServer({ cert: readFileSync(chained), key: readFileSync(leaf.key) });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const module = new URL('../../src/pki/upstream-trust.ts', import.meta.url).href;
    const script = `const { createUpstreamContext } = await import(${JSON.stringify(module)});
      const { connect } = await import('node:tls');
      const secureContext = createUpstreamContext(['system']);
      const options = { host: '127.0.0.1', port: Number(process.argv[1]), servername: 'ok.test', secureContext };
      const socket = connect(options, () => { console.log('trusted'); socket.destroy(); });
      socket.on('error', (error) => console.log(error.code));`;
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const env = { ...process.env, SSL_CERT_FILE: file, SSL_CERT_DIR: join(folder, 'absent') };
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, String(port)], { env });
    server.close();
    expect(stdout.trim()).toBe(expected);
  });
});

describe('what is refused', () => {
  test.each<[string, () => Pair, string]>([
    [
      'a leaf for clients',
      () => issue(folder, 'client', { issuer: root, extensions: ['extendedKeyUsage=clientAuth'] }),
      'INVALID_PURPOSE',
    ],
    [
      'a root that is sent along but not trusted',
      () => {
        const signed = issue(folder, 'by-other', { issuer: other, extensions: LEAF });
        return { key: signed.key, cert: bundle(join(folder, 'with-root.pem'), signed.cert, other.cert) };
      },
      'SELF_SIGNED_CERT_IN_CHAIN',
    ],
    [
      'a chain through a certificate that is no CA',
      () => {
        const fake = issue(folder, 'fake', {
          issuer: root,
          extensions: ['basicConstraints=critical,CA:FALSE', KEY_ID],
        });
        const signed = issue(folder, 'by-fake', { issuer: fake, extensions: LEAF });
        return { key: signed.key, cert: bundle(join(folder, 'by-fake-chain.pem'), signed.cert, fake.cert) };
      },
      'INVALID_PURPOSE',
    ],
    [
      'a chain that is longer than a CA allows',
      () => {
        const last = issue(folder, 'last', {
          issuer: root,
          extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', ...CA_EXTENSIONS.slice(1)],
        });
        const beyond = issue(folder, 'beyond', { issuer: last });
        const signed = issue(folder, 'by-beyond', { issuer: beyond, extensions: LEAF });
        return { key: signed.key, cert: bundle(join(folder, 'beyond-chain.pem'), signed.cert, beyond.cert, last.cert) };
      },
      'PATH_LENGTH_EXCEEDED',
    ],
    [
      'a leaf whose signature was tampered with',
      () => {
        const der = Buffer.from(
          openssl('x509', '-in', leaf.cert, '-outform', 'PEM').replace(/-----.*-----|\s/g, ''),
          'base64',
        );
        // The last bytes belong to the second number of the signature.
        der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
        const cert = join(folder, 'tampered.pem');
        const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
        writeFileSync(cert, pem + readFileSync(middle.cert, 'utf8'));
        return { key: leaf.key, cert };
      },
      'CERT_SIGNATURE_FAILURE',
    ],
  ])('%s', async (_, make, code) => {
    expect(await verdict(make(), [root.cert])).toBe(code);
    expect(describeChainError(code).squid).toBe(`X509_V_ERR_${code}`);
  });

  test.each<[string, () => Pair, string]>([
    [
      'an RSA key of 1024 bits',
      () => issue(folder, 'weak', { key: 'RSA-1024', issuer: root, extensions: LEAF }),
      'EE_KEY_TOO_SMALL',
    ],
    [
      'a signature with SHA-1',
      () => issue(folder, 'sha1', { issuer: root, extensions: LEAF, hash: 'sha1' }),
      'CA_MD_TOO_WEAK',
    ],
    ['a name that a CA may not sign for', () => constrained('permitted;DNS:other.test'), 'PERMITTED_VIOLATION'],
    ['a name that a CA must not sign for', () => constrained('excluded;DNS:ok.test'), 'EXCLUDED_VIOLATION'],
    [
      'a critical extension that nobody knows',
      () => issue(folder, 'critical', { issuer: root, extensions: [...LEAF, '1.2.3.4=critical,DER:0500'] }),
      'UNHANDLED_CRITICAL_EXTENSION',
    ],
  ])('%s, which Node leaves unspecified', async (_, make, name) => {
    const outcome = await attempt({ ...make(), ciphers: 'DEFAULT:@SECLEVEL=0' }, [root.cert]);
    expect(outcome.code).toBe('UNSPECIFIED');
    expect(describeChainError(outcome.code, outcome.message).squid).toBe(`X509_V_ERR_${name}`);
  });

  test.each([
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }],
    ['a suite without AEAD', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
  ] as const)('an origin that speaks nothing better than %s', async (_, options) => {
    expect(await verdict({ cert: chained, key: leaf.key, ...options }, [root.cert])).toMatch(/^(?:ERR_SSL|ECONNRESET)/);
  });
});

describe('a connection that has been verified', () => {
  test('does not handshake a second time, so that it keeps its certificate', async () => {
    const port = await freePort();
    const words = ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', leaf.cert, '-cert_chain', middle.cert];
    const server = spawn('openssl', [...words, '-key', leaf.key, '-tls1_2']);
    let output = '';
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    while (!output.includes('ACCEPT')) await once(server.stdout, 'data');
    const secureContext = createUpstreamContext([root.cert]);
    const socket = connect({ host: '127.0.0.1', port, servername: 'ok.test', secureContext });
    try {
      await once(socket, 'secureConnect');
      socket.on('error', () => undefined).resume();
      const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
      // To s_server this asks for a new handshake; our answer is an alert, which ends the connection.
      server.stdin.write('r\n');
      while (!output.includes('no renegotiation')) await once(server.stderr, 'data');
      await closed;
    } finally {
      socket.destroy();
      server.kill();
    }
  });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}

describe('a revocation list', () => {
  const list = join(folder, 'list.pem');
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'crl.cnf'), `[ca]\ndefault_ca=d\n[d]\ndatabase=${join(folder, 'index.txt')}\n`);
  const signed = ['-cert', root.cert, '-keyfile', root.key, '-md', 'sha256', '-crldays', '30', '-out', list];
  openssl('ca', '-gencrl', '-config', join(folder, 'crl.cnf'), ...signed);

  test('covers its CA, and a chain through another CA has to have that one too', async () => {
    const direct = issue(folder, 'direct', { issuer: root, extensions: LEAF });
    const server = async (origin: Pair): Promise<string> => (await attempt(origin, [root.cert], [list])).code;
    expect(await server(direct)).toBe('ok');
    expect(await server({ cert: chained, key: leaf.key })).toBe('UNABLE_TO_GET_CRL');
  });

  test.each([
    ['absent', join(folder, 'absent.crl'), 'ENOENT'],
    ['a certificate', root.cert, 'holds no revocation list'],
    ['broken', join(folder, 'broken.crl'), 'Revocation list 2 in'],
  ])('that is %s is named', (_, file, reason) => {
    const text = readFileSync(list, 'utf8');
    writeFileSync(join(folder, 'broken.crl'), `${text}-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n`);
    const opening = (): unknown => createUpstreamContext([root.cert], [file]);
    expect(opening).toThrow(expect.objectContaining({ code: 'trust-unusable', detail: expect.stringContaining(file) }));
    expect(opening).toThrow(reason);
  });
});

test('the roots are there for our own pass, each once', () => {
  const { roots } = createUpstreamContext([root.cert, root.cert, other.cert]);
  expect(roots.map(({ subject }) => subject)).toEqual(['O=Example\nCN=root', 'O=Example\nCN=other-root']);
});

describe('a file that cannot be used is named', () => {
  const empty = join(folder, 'empty.pem');
  const broken = join(folder, 'broken.pem');
  const directory = join(folder, 'directory');
  writeFileSync(empty, '# none yet\n');
  writeFileSync(
    broken,
    `${readFileSync(root.cert, 'utf8')}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`,
  );
  mkdirSync(directory);

  test.each([
    ['absent', join(folder, 'absent.pem'), 'ENOENT'],
    ['a folder', directory, 'EISDIR'],
    ['without a certificate', empty, 'holds no certificate'],
    ['a key', root.key, 'holds no certificate'],
    ['with a second certificate that is broken', broken, 'Certificate 2 in'],
  ])('%s', (_, file, reason) => {
    const opening = (): unknown => createUpstreamContext([root.cert, file]);
    expect(opening).toThrow(ProxyError);
    expect(opening).toThrow(expect.objectContaining({ code: 'trust-unusable', detail: expect.stringContaining(file) }));
    expect(opening).toThrow(reason);
  });

  test('no sources at all are no trust', () => {
    expect(() => createUpstreamContext([])).toThrow(expect.objectContaining({ code: 'trust-unusable' }));
  });
});
