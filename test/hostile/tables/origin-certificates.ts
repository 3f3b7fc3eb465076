// Certificates that origins show, the bad ones and the unusual good ones, with what becomes of them. The hostile tests
// make and serve each of them; the README's table of refusals is made from the same rows.

import { X509Certificate } from 'node:crypto';
import {
  CA,
  type KeyKind,
  leafFor,
  type Made,
  SERVER,
  type Wish,
  type Workshop,
} from '../../support/chain-workshop.ts';
import { constructed, element, extensionsOf, toPem } from '../../support/der-edit.ts';

/** What a TLS server shows. */
export interface Served {
  /** Certificates in PEM, the leaf first. */
  readonly chain: readonly string[];
  readonly key: string;
}

export interface CertificateRow {
  /** Of the catalogue. */
  readonly id: string;
  readonly area: 'origin certificates';
  readonly name: string;
  /** `accepted`, or the reason as the JSON log tells it: the word that ends `error_detail`, else `error`. */
  readonly expected: string;
  /** What the client asks for; `ok.test` where it does not say. */
  readonly host?: string;
  readonly make: (workshop: Workshop) => Promise<Served>;
}

const OPENSSL = (name: string): string => `X509_V_ERR_${name}`;
const AREA = 'origin certificates';

const served = (leaf: Made, ...others: readonly Made[]): Served => ({
  chain: [leaf.cert, ...others.map(({ cert }) => cert)],
  key: leaf.key,
});

/** A leaf by the good intermediate. */
const leafOf =
  (wish: Wish) =>
  async (shop: Workshop): Promise<Served> => {
    const middle = await shop.middle();
    return served(await shop.issue(middle, wish), middle);
  };

/** A good leaf below an intermediate that the wish makes bad. */
const below =
  (wish: Wish) =>
  async (shop: Workshop): Promise<Served> => {
    const middle = await shop.issue(await shop.root(), { subject: '/CN=odd', keyName: 'odd', extensions: CA, ...wish });
    return served(await shop.issue(middle, {}), middle);
  };

/** A good leaf below a root that the wish makes bad. */
const belowRoot =
  (name: string, wish: Wish) =>
  async (shop: Workshop): Promise<Served> =>
    served(await shop.issue(await shop.root(name, wish), {}));

/** A good leaf, bent by hand and signed again. */
const bent =
  (edit: Parameters<Workshop['bend']>[2], wish: Wish = {}) =>
  async (shop: Workshop): Promise<Served> => {
    const middle = await shop.middle();
    return served(shop.bend(await shop.issue(middle, wish), middle, edit), middle);
  };

const serial = (...octets: number[]) => bent((fields) => Object.assign(fields, { serial: element(2, octets) }));
const san = (...names: ReturnType<typeof element>[]) =>
  bent(
    (fields) => {
      const oid = element(6, [0x55, 0x1d, 0x11]);
      extensionsOf(fields).push(constructed(0x30, oid, constructed(4, constructed(0x30, ...names))));
    },
    { extensions: SERVER },
  );
const dns = (text: string) => element(0x82, Buffer.from(text, 'latin1'));
const limits =
  (constraints: string, names = 'DNS:ok.test') =>
  async (shop: Workshop): Promise<Served> => {
    const wish = {
      subject: '/CN=limited',
      keyName: 'limited',
      extensions: [...CA, `nameConstraints=critical,${constraints}`],
    };
    const middle = await shop.issue(await shop.root(), wish);
    return served(await shop.issue(middle, { extensions: leafFor(names) }), middle);
  };

/** `count` intermediates below the root, then a leaf. */
const deep =
  (count: number) =>
  async (shop: Workshop): Promise<Served> => {
    const line: Made[] = [await shop.root()];
    for (let at = 1; at <= count; at += 1) line.unshift(await shop.middle(`deep${at}`, {}, line[0]));
    const [last] = line;
    return served(await shop.issue(last, {}), ...line.slice(0, -1));
  };

/** One bit of the signature of the certificate turned over. */
function damaged({ cert }: Made): string {
  const der = Buffer.from(new X509Certificate(cert).raw);
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return toPem(der);
}

const ext = (...replaced: string[]): string[] => [...replaced, 'subjectAltName=DNS:ok.test'];
const PAST = { from: '20200101000000Z', to: '20210101000000Z' };
const FUTURE = { from: '20390101000000Z', to: '20400101000000Z' };
const CRITICAL = '1.3.6.1.4.1.99999.1=critical,DER:0500';
const weakLeaf = (key: KeyKind) => leafOf({ key });
const weakMiddle = (key: KeyKind) => below({ key });

/** Below an RSA root: with EC keys openssl does not sign with MD5. */
const rsaSigned =
  (leaf: Wish, middle: Wish) =>
  async (shop: Workshop): Promise<Served> => {
    const root = await shop.root('RSA root', { key: 'RSA-2048' });
    const wish: Wish = { subject: '/CN=RSA middle', key: 'RSA-2048', keyName: 'RSA middle', extensions: CA };
    const signer = await shop.issue(root, { ...wish, ...middle });
    return served(await shop.issue(signer, leaf), signer);
  };

type Row = readonly [id: string, name: string, expected: string, make: CertificateRow['make'], host?: string];

const REFUSED: readonly Row[] = [
  [
    'TLSV-01',
    'a self-signed leaf',
    OPENSSL('DEPTH_ZERO_SELF_SIGNED_CERT'),
    async (shop) => served(await shop.issue(undefined, {})),
  ],
  [
    'TLSV-02',
    'a leaf below a root that is not trusted, sent along',
    OPENSSL('SELF_SIGNED_CERT_IN_CHAIN'),
    async (shop) => {
      const stranger = await shop.issue(undefined, { subject: '/CN=stranger', keyName: 'stranger', extensions: CA });
      return served(await shop.issue(stranger, {}), stranger);
    },
  ],
  [
    'TLSV-02',
    'a leaf below a root that has the name of a trusted one',
    OPENSSL('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    async (shop) => {
      await shop.root();
      const extensions = CA.slice(0, 2);
      const impostor = await shop.issue(undefined, { subject: '/CN=root', keyName: 'impostor', extensions });
      return served(
        await shop.issue(impostor, { extensions: ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:ok.test'] }),
      );
    },
  ],
  ['TLSV-03', 'an expired leaf', OPENSSL('CERT_HAS_EXPIRED'), leafOf(PAST)],
  ['TLSV-03', 'an expired intermediate', OPENSSL('CERT_HAS_EXPIRED'), below(PAST)],
  ['TLSV-03', 'an expired root', OPENSSL('CERT_HAS_EXPIRED'), belowRoot('old root', PAST)],
  ['TLSV-04', 'a leaf that is not yet valid', OPENSSL('CERT_NOT_YET_VALID'), leafOf(FUTURE)],
  ['TLSV-04', 'an intermediate that is not yet valid', OPENSSL('CERT_NOT_YET_VALID'), below(FUTURE)],
  ['TLSV-05', 'a leaf for another name', 'upstream-name', leafOf({ extensions: leafFor('DNS:other.test') })],
  [
    'TLSV-06',
    'the name as common name, another as subjectAltName',
    'upstream-name',
    leafOf({ subject: '/CN=ok.test', extensions: leafFor('DNS:other.test') }),
  ],
  [
    'TLSV-07',
    'the name as common name, no subjectAltName',
    'upstream-name',
    leafOf({ subject: '/CN=ok.test', extensions: SERVER }),
  ],
  ...['*', '*.test', 'f*.wild.test', '*o.wild.test', '*.*.wild.test', 'a.*.test'].map(
    (name): Row => ['TLSV-08', `the wildcard ${name}`, 'upstream-name', san(dns(name)), 'foo.wild.test'],
  ),
  ['TLSV-08', 'a wildcard for a name two labels below', 'upstream-name', san(dns('*.wild.test')), 'x.y.wild.test'],
  ['TLSV-08', 'a wildcard for the name above it', 'upstream-name', san(dns('*.wild.test')), 'wild.test'],
  ['TLSV-09', 'an address as a name', 'upstream-name', leafOf({ extensions: leafFor('DNS:127.0.0.1') }), '127.0.0.1'],
  [
    'TLSV-09',
    'an address as common name',
    'upstream-name',
    leafOf({ subject: '/CN=127.0.0.1', extensions: SERVER }),
    '127.0.0.1',
  ],
  ['TLSV-09', 'an IPv6 address as text', 'upstream-name', san(dns('::1')), '[::1]'],
  ['TLSV-09', 'an address of the wrong length', 'malformed', san(element(0x87, [127, 0, 0, 1, 255])), '127.0.0.1'],
  ['TLSV-10', 'a name with a NUL behind ours', 'upstream-name', san(dns('ok.test\0.evil.test'))],
  ['TLSV-10', 'a name with a comma and a prefix', 'upstream-name', san(dns('x.test, DNS:ok.test'))],
  ['TLSV-10', 'a name with quotes', 'upstream-name', san(dns('"ok.test"'))],
  ['TLSV-10', 'our name inside a URI', 'upstream-name', san(element(0x86, Buffer.from('http://x/, DNS:ok.test')))],
  [
    'TLSV-10',
    'our name inside an otherName',
    'upstream-name',
    leafOf({ extensions: leafFor('otherName:1.2.3.4;UTF8:DNS:ok.test') }),
  ],
  [
    'TLSV-10',
    'our name in a subject of two values',
    'upstream-name',
    leafOf({ subject: '/O=x+CN=ok.test', extensions: SERVER, options: ['-multivalue-rdn'] }),
  ],
  [
    'TLSV-10',
    'two subjectAltNames',
    OPENSSL('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    bent(
      (fields) =>
        void extensionsOf(fields).push(
          constructed(0x30, element(6, [0x55, 0x1d, 0x11]), constructed(4, constructed(0x30, dns('x.test')))),
        ),
    ),
  ],
  [
    'TLSV-10',
    'a list of names that is cut short',
    OPENSSL('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    bent(
      (fields) =>
        void extensionsOf(fields).push(
          constructed(0x30, element(6, [0x55, 0x1d, 0x11]), element(4, [0x30, 9, 0x82, 7])),
        ),
      { extensions: SERVER },
    ),
  ],
  [
    'TLSV-11',
    'an intermediate that is missing',
    OPENSSL('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    async (shop) => served(await shop.issue(await shop.middle(), {})),
  ],
  [
    'TLSV-12',
    'an intermediate with CA:FALSE',
    OPENSSL('INVALID_PURPOSE'),
    below({ extensions: ['basicConstraints=critical,CA:FALSE'] }),
  ],
  [
    'TLSV-12',
    'an intermediate without basicConstraints',
    OPENSSL('INVALID_CA'),
    below({ extensions: ['keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=hash'] }),
  ],
  [
    'TLSV-12',
    'an intermediate of version 1',
    OPENSSL('INVALID_PURPOSE'),
    async (shop) => {
      const middle = await shop.issue(await shop.root(), { subject: '/CN=odd', keyName: 'odd', extensions: [] });
      return served(await shop.issue(middle, { extensions: ext('extendedKeyUsage=serverAuth') }), middle);
    },
  ],
  [
    'TLSV-12',
    'an intermediate without keyCertSign',
    OPENSSL('KEYUSAGE_NO_CERTSIGN'),
    below({
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign', 'subjectKeyIdentifier=hash'],
    }),
  ],
  ['TLSV-12', 'a leaf that signs another', OPENSSL('INVALID_PURPOSE'), below({ extensions: leafFor('DNS:ok.test') })],
  [
    'TLSV-13',
    'a chain longer than its CA allows',
    OPENSSL('PATH_LENGTH_EXCEEDED'),
    async (shop) => {
      const short = await shop.middle('short', {
        extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', ...CA.slice(1)],
      });
      const beyond = await shop.middle('beyond', {}, short);
      return served(await shop.issue(beyond, {}), beyond, short);
    },
  ],
  ['TLSV-13', 'a chain of 9 certificates', 'too-deep', deep(7)],
  ['TLSV-13', 'a chain of 13 certificates', 'too-deep', deep(11)],
  ['TLSV-14', 'an excluded name', OPENSSL('EXCLUDED_VIOLATION'), limits('excluded;DNS:ok.test')],
  [
    'TLSV-14',
    'a name that is not among the permitted',
    OPENSSL('PERMITTED_VIOLATION'),
    limits('permitted;DNS:other.test'),
  ],
  [
    'TLSV-14',
    'a second name that is not among the permitted',
    OPENSSL('PERMITTED_VIOLATION'),
    limits('permitted;DNS:ok.test', 'DNS:ok.test,DNS:other.test'),
  ],
  [
    'TLSV-14',
    'a wildcard that covers an excluded name',
    'name-constraints',
    limits('excluded;DNS:bad.wild.test', 'DNS:*.wild.test'),
    'foo.wild.test',
  ],
  [
    'TLSV-14',
    'a wildcard that covers more than the permitted name',
    OPENSSL('PERMITTED_VIOLATION'),
    limits('permitted;DNS:foo.wild.test', 'DNS:*.wild.test'),
    'foo.wild.test',
  ],
  [
    'TLSV-14',
    'an address that is not among the permitted',
    OPENSSL('PERMITTED_VIOLATION'),
    limits('permitted;IP:10.0.0.0/255.0.0.0', 'IP:127.0.0.1'),
    '127.0.0.1',
  ],
  [
    'TLSV-14',
    'name constraints in the leaf',
    'constraints-in-leaf',
    leafOf({ extensions: [...leafFor('DNS:ok.test'), 'nameConstraints=permitted;DNS:ok.test'] }),
  ],
  [
    'TLSV-15',
    'an unknown critical extension in the leaf',
    OPENSSL('UNHANDLED_CRITICAL_EXTENSION'),
    leafOf({ extensions: [...leafFor('DNS:ok.test'), CRITICAL] }),
  ],
  [
    'TLSV-15',
    'an unknown critical extension in the intermediate',
    OPENSSL('UNHANDLED_CRITICAL_EXTENSION'),
    below({ extensions: [...CA, CRITICAL] }),
  ],
  [
    'TLSV-15',
    'an unknown critical extension in the root',
    OPENSSL('UNHANDLED_CRITICAL_EXTENSION'),
    belowRoot('critical root', { extensions: [...CA, CRITICAL] }),
  ],
  [
    'TLSV-16',
    'a leaf for clients',
    OPENSSL('INVALID_PURPOSE'),
    leafOf({ extensions: ext('extendedKeyUsage=clientAuth') }),
  ],
  [
    'TLSV-16',
    'a leaf for code signing',
    OPENSSL('INVALID_PURPOSE'),
    leafOf({ extensions: ext('extendedKeyUsage=codeSigning') }),
  ],
  [
    'TLSV-16',
    'a leaf for any purpose',
    OPENSSL('INVALID_PURPOSE'),
    leafOf({ extensions: ext('extendedKeyUsage=anyExtendedKeyUsage') }),
  ],
  [
    'TLSV-16',
    'a leaf that does not say it is for servers',
    'not-for-servers',
    leafOf({ extensions: ext('basicConstraints=CA:FALSE') }),
  ],
  [
    'TLSV-16',
    'an intermediate for clients',
    OPENSSL('INVALID_PURPOSE'),
    below({ extensions: [...CA, 'extendedKeyUsage=clientAuth'] }),
  ],
  [
    'TLSV-16',
    'a leaf that is a CA',
    OPENSSL('INVALID_PURPOSE'),
    leafOf({ extensions: ext(...CA, 'extendedKeyUsage=serverAuth') }),
  ],
  [
    'TLSV-16',
    'a leaf that may sign certificates',
    'ca-as-server',
    leafOf({ extensions: ext('keyUsage=digitalSignature,keyCertSign', 'extendedKeyUsage=serverAuth') }),
  ],
  [
    'TLSV-16',
    'an intermediate for any purpose',
    OPENSSL('INVALID_PURPOSE'),
    below({ extensions: [...CA, 'extendedKeyUsage=anyExtendedKeyUsage'] }),
  ],
  // Too short for the signature of the handshake itself.
  ['TLSV-17', 'a leaf with RSA-512', 'upstream-tls', weakLeaf('RSA-512')],
  ...(['RSA-1016', 'RSA-1024'] as const).map(
    (key): Row => ['TLSV-17', `a leaf with ${key}`, OPENSSL('EE_KEY_TOO_SMALL'), weakLeaf(key)],
  ),
  ...(['P-192', 'RSA-1024', 'DSA'] as const).map(
    (key): Row => ['TLSV-17', `an intermediate with ${key}`, OPENSSL('CA_KEY_TOO_SMALL'), weakMiddle(key)],
  ),
  ...(['P-224', 'secp256k1'] as const).map(
    (key): Row => ['TLSV-17', `an intermediate with ${key}`, 'weak-key', weakMiddle(key)],
  ),
  [
    'TLSV-17',
    'an intermediate with a curve spelled out in numbers',
    OPENSSL('EC_KEY_EXPLICIT_PARAMS'),
    weakMiddle('explicit'),
  ],
  ['TLSV-17', 'a root with RSA-1024', OPENSSL('CA_KEY_TOO_SMALL'), belowRoot('weak root', { key: 'RSA-1024' })],
  ['TLSV-17', 'a root with P-224', 'weak-key', belowRoot('P-224 root', { key: 'P-224' })],
  ...['md5', 'sha1'].flatMap((hash): Row[] => [
    ['TLSV-18', `a leaf signed with ${hash}`, OPENSSL('CA_MD_TOO_WEAK'), rsaSigned({ hash }, {})],
    ['TLSV-18', `an intermediate signed with ${hash}`, OPENSSL('CA_MD_TOO_WEAK'), rsaSigned({}, { hash })],
  ]),
  ['TLSV-18', 'a leaf signed with sha224', 'weak-signature', leafOf({ hash: 'sha224' })],
  [
    'TLSV-19',
    'a leaf with one bit of its signature turned over',
    OPENSSL('CERT_SIGNATURE_FAILURE'),
    async (shop) => {
      const middle = await shop.middle();
      const leaf = await shop.issue(middle, {});
      return { chain: [damaged(leaf), middle.cert], key: leaf.key };
    },
  ],
  [
    'TLSV-19',
    'an intermediate with one bit of its signature turned over',
    OPENSSL('CERT_SIGNATURE_FAILURE'),
    async (shop) => {
      const middle = await shop.middle();
      const leaf = await shop.issue(middle, {});
      return { chain: [leaf.cert, damaged(middle)], key: leaf.key };
    },
  ],
  ['TLSV-26', 'a leaf of version 1', 'version', leafOf({ subject: '/CN=ok.test', extensions: [] })],
  ['TLSV-26', 'a serial number of zero', 'serial', serial(0)],
  ['TLSV-26', 'a negative serial number', 'serial', serial(0x80, 1)],
  ['TLSV-26', 'a serial number of 21 bytes', 'serial', serial(...Array.from({ length: 21 }, () => 0x11))],
  [
    'TLSV-26',
    'a leaf with a date before 2050 in the form for later ones',
    'validity',
    bent((fields) => void fields.validity.parts?.splice(1, 1, element(0x18, Buffer.from('20400101000000Z')))),
  ],
  [
    'TLSV-26',
    'an extension twice',
    OPENSSL('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    bent((fields) => void extensionsOf(fields).push(...extensionsOf(fields).slice(0, 1))),
  ],
  [
    'TLSV-26',
    'the poison of a pre-certificate',
    OPENSSL('UNHANDLED_CRITICAL_EXTENSION'),
    leafOf({ extensions: [...leafFor('DNS:ok.test'), '1.3.6.1.4.1.11129.2.4.3=critical,DER:0500'] }),
  ],
];

const GOOD: readonly Row[] = [
  ['TLSV-26', 'a usual chain of three', 'accepted', leafOf({})],
  [
    'TLSV-26',
    'a leaf right below the root',
    'accepted',
    async (shop) => served(await shop.issue(await shop.root(), {})),
  ],
  [
    'TLSV-11',
    'a chain in reverse behind the leaf, root included',
    'accepted',
    async (shop) => {
      const upper = await shop.middle('upper');
      const lower = await shop.middle('lower', {}, upper);
      return served(await shop.issue(lower, {}), await shop.root(), upper, lower);
    },
  ],
  [
    'TLSV-11',
    'a chain with three that do not belong to it',
    'accepted',
    async (shop) => {
      const middle = await shop.middle();
      const strangers = await Promise.all(
        ['a', 'b', 'c'].map((name) =>
          shop.issue(undefined, { subject: `/CN=${name}`, extensions: leafFor('DNS:x.test'), hash: 'sha1', ...PAST }),
        ),
      );
      return served(await shop.issue(middle, {}), ...strangers, middle);
    },
  ],
  [
    'TLSV-27',
    'an intermediate that is signed by two, first by one that is not trusted',
    'accepted',
    async (shop) => {
      const stranger = await shop.issue(undefined, { subject: '/CN=stranger', keyName: 'stranger', extensions: CA });
      const crossed = await shop.issue(stranger, { subject: '/CN=crossed', keyName: 'crossed', extensions: CA });
      const middle = await shop.issue(await shop.root(), {
        subject: '/CN=crossed',
        keyName: 'crossed',
        extensions: CA,
      });
      return served(await shop.issue(middle, {}), middle, crossed);
    },
  ],
  [
    'TLSV-27',
    'an intermediate that is there twice, once expired',
    'accepted',
    async (shop) => {
      const wish = { subject: '/CN=renewed', keyName: 'renewed', extensions: CA };
      const [old, fresh] = [
        await shop.issue(await shop.root(), { ...wish, ...PAST }),
        await shop.issue(await shop.root(), wish),
      ];
      return served(await shop.issue(fresh, {}), old, fresh);
    },
  ],
  ['TLSV-26', 'signatures with SHA-384', 'accepted', leafOf({ hash: 'sha384' })],
  ['TLSV-26', 'an RSA-4096 leaf', 'accepted', leafOf({ key: 'RSA-4096' })],
  ['TLSV-26', 'an RSA-2048 intermediate', 'accepted', below({ key: 'RSA-2048' })],
  ['TLSV-26', 'a P-521 leaf', 'accepted', leafOf({ key: 'P-521' })],
  ['TLSV-26', 'a P-384 intermediate', 'accepted', below({ key: 'P-384' })],
  [
    'TLSV-26',
    'an Ed25519 intermediate',
    'accepted',
    async (shop) => {
      const middle = await shop.issue(await shop.root(), {
        subject: '/CN=odd',
        key: 'Ed25519',
        keyName: 'odd',
        extensions: CA,
      });
      return served(await shop.issue(middle, { hash: 'null' }), middle);
    },
  ],
  [
    'TLSV-08',
    'a wildcard for one label',
    'accepted',
    leafOf({ extensions: leafFor('DNS:*.wild.test') }),
    'foo.wild.test',
  ],
  ['TLSV-09', 'an IPv4 address', 'accepted', leafOf({ extensions: leafFor('IP:127.0.0.1') }), '127.0.0.1'],
  ['TLSV-09', 'an IPv6 address', 'accepted', leafOf({ extensions: leafFor('IP:::1') }), '[::1]'],
  [
    'TLSV-26',
    'an A-label',
    'accepted',
    leafOf({ extensions: leafFor('DNS:xn--bcher-kva.test') }),
    'xn--bcher-kva.test',
  ],
  ['TLSV-26', 'upper case in the name', 'accepted', leafOf({ extensions: leafFor('DNS:OK.Test') })],
  [
    'TLSV-26',
    'a root without a key identifier',
    'accepted',
    async (shop) => {
      const root = await shop.root('plain root', { extensions: CA.slice(0, 2) });
      return served(await shop.issue(root, { extensions: ext('extendedKeyUsage=serverAuth') }));
    },
  ],
  ['TLSV-18', 'a root signed with SHA-1', 'accepted', belowRoot('sha1 root', { hash: 'sha1' })],
  [
    'TLSV-12',
    'a root of version 1',
    'accepted',
    async (shop) => {
      const root = await shop.root('v1 root', { extensions: [] });
      return served(await shop.issue(root, { extensions: ext('extendedKeyUsage=serverAuth') }));
    },
  ],
  [
    'TLSV-14',
    'a name that its CA is permitted',
    'accepted',
    limits('permitted;DNS:ok.test,permitted;IP:127.0.0.0/255.0.0.0', 'DNS:ok.test,DNS:www.ok.test,IP:127.0.0.1'),
  ],
  [
    'TLSV-14',
    'a wildcard beside an excluded name',
    'accepted',
    limits('excluded;DNS:very.bad.wild.test', 'DNS:*.wild.test'),
    'foo.wild.test',
  ],
  [
    'TLSV-26',
    'a hundred names',
    'accepted',
    leafOf({
      extensions: leafFor([...Array.from({ length: 99 }, (_, at) => `DNS:n${at}.test`), 'DNS:ok.test'].join(',')),
    }),
  ],
  [
    'TLSV-26',
    'critical names below an empty subject',
    'accepted',
    bent((fields) => Object.assign(fields, { subject: constructed(0x30) }), {
      extensions: [...SERVER, 'subjectAltName=critical,DNS:ok.test'],
    }),
  ],
  ['TLSV-26', 'a serial number of 20 bytes', 'accepted', serial(...Array.from({ length: 20 }, () => 0x11))],
  [
    'TLSV-16',
    'a leaf for servers and clients',
    'accepted',
    leafOf({ extensions: ext('extendedKeyUsage=clientAuth,serverAuth') }),
  ],
  ['TLSV-13', 'a chain of 8 certificates', 'accepted', deep(6)],
  [
    'TLSV-13',
    'a chain as long as its CA allows',
    'accepted',
    below({ extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', ...CA.slice(1)] }),
  ],
  [
    'TLSV-01',
    'a self-signed certificate that is trusted itself',
    'accepted',
    async (shop) => {
      const wish = {
        subject: '/CN=appliance',
        keyName: 'appliance',
        extensions: ['basicConstraints=critical,CA:TRUE', 'subjectAltName=DNS:ok.test'],
      };
      return served(await shop.root('appliance', wish));
    },
  ],
  ['TLSV-26', 'an end in the year 9999', 'accepted', leafOf({ to: '99991231235959Z' })],
];

export const ORIGIN_CERTIFICATES: readonly CertificateRow[] = [...REFUSED, ...GOOD].map(
  ([id, name, expected, make, host]) => ({ id, area: AREA, name, expected, make, ...(host ? { host } : {}) }),
);
