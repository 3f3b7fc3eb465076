// What a client asks for in the first message of TLS (RFC 8446 section 4.1.2), read before any handshake is begun.
// net/peek calls it as bytes arrive; flow/ decides, splices or mints by what it says.

import { type Cursor, readWhole } from './cursor.ts';
import { readHandshakeMessage } from './handshake-message.ts';

/** Post-quantum hellos are 2 KB, padded ones 16 KB; one byte per record makes six of each. */
export const MAX_CLIENT_HELLO = 65_536;

export interface ClientHello {
  /** As it stands, bytes read as Latin-1, 1 to 255 of them, none NUL. Judging the name is for core/authority. */
  readonly serverName?: string;
  /** Protocol names in the client's order, bytes read as Latin-1. */
  readonly alpn: readonly string[];
  /** supported_versions; without that extension, the one legacy version. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  /** The client can take an ECDSA P-256 leaf, whichever version is agreed on. */
  readonly ecdsa: boolean;
  /** The extension is there. Browsers send it with random bytes too, so it does not tell that the name is a cover. */
  readonly encryptedClientHello: boolean;
  /** Bytes of the records that hold the hello: what lies behind them is not part of it. */
  readonly length: number;
}

export type HelloReading =
  /** Not all there; fewer than `atLeast` bytes in total will not be enough either. */
  | { readonly state: 'more'; readonly atLeast: number }
  | { readonly state: 'malformed'; readonly reason: string }
  | { readonly state: 'hello'; readonly hello: ClientHello };

const CLIENT_HELLO = 1;
const TLS12 = 0x0303;
const TLS13 = 0x0304;
const SECP256R1 = 23;
const ECDSA_SHA256 = 0x0403;
const ECDSA_SHA1 = 0x0203;
/** ECDHE_ECDSA with AES-CBC, AES-GCM, AES-CCM or ChaCha20; no server has to offer the older ones. */
const ECDHE_ECDSA: ReadonlySet<number> = new Set([
  0xc009, 0xc00a, 0xc023, 0xc024, 0xc02b, 0xc02c, 0xc0ac, 0xc0ad, 0xc0ae, 0xc0af, 0xcca9,
]);
/** OpenSSL takes no longer name; DNS has none (RFC 1035 section 2.3.4). */
const MAX_SERVER_NAME = 255;

/** Reads the ClientHello that `bytes` begins with, from as many records as it takes. Never throws. */
export function readClientHello(bytes: Uint8Array): HelloReading {
  const message = readHandshakeMessage(bytes, CLIENT_HELLO, MAX_CLIENT_HELLO);
  if (message.state !== 'message') return message;
  const offer = readWhole(message.body, 'ClientHello', readOffer);
  if (!offer.ok) return { state: 'malformed', reason: offer.reason };
  return { state: 'hello', hello: { ...offer.value, length: message.length } };
}

function readOffer(body: Cursor): Omit<ClientHello, 'length'> {
  const legacyVersion = body.u16();
  if (legacyVersion >> 8 !== 3) throw body.malformed(`is of TLS major version ${legacyVersion >> 8}`);
  body.skip(32);
  if (body.vector(1, 'session id').left > 32) throw body.malformed('has a session id longer than 32 bytes');
  const cipherSuites = readNumbers(body.vector(2, 'list of cipher suites'));
  if (body.vector(1, 'list of compression methods').left === 0) throw body.malformed('has no compression method');
  const extensions = readExtensions(body);

  const versions = extensions.versions ?? [Math.min(legacyVersion, TLS12)];
  return {
    ...(extensions.serverName === undefined ? {} : { serverName: extensions.serverName }),
    alpn: extensions.alpn ?? [],
    versions,
    cipherSuites,
    signatureAlgorithms: extensions.signatureAlgorithms ?? [],
    ecdsa: takesEcdsa(versions, cipherSuites, extensions),
    encryptedClientHello: extensions.encryptedClientHello ?? false,
  };
}

interface Extensions {
  serverName?: string;
  alpn?: string[];
  versions?: number[];
  signatureAlgorithms?: number[];
  groups?: number[];
  encryptedClientHello?: boolean;
}

/** Reads the extensions that matter here, by their number in IANA's registry. TLS 1.2 hellos may have none at all. */
function readExtensions(body: Cursor): Extensions {
  const found: Extensions = {};
  if (body.left === 0) return found;
  const list = body.vector(2, 'list of extensions');
  const seen = new SeenTypes();
  while (list.left > 0) {
    const type = list.u16();
    // RFC 8446 section 4.2. Of two server names, the origin might read the other.
    if (!seen.add(type)) throw list.malformed(`has extension ${type} twice`);
    if (type === ENCRYPTED_CLIENT_HELLO) found.encryptedClientHello = true;
    const name = nameOf(type);
    if (name === undefined) {
      list.skip(list.u16());
      continue;
    }
    const data = list.vector(2, name);
    readExtension(type, data, found);
    data.end();
  }
  return found;
}

/** Of nearly all extensions there are the numbers are low, and to keep those takes a bit for each. */
class SeenTypes {
  #below32 = 0;
  #below64 = 0;
  #others: Set<number> | undefined;

  /** False: it was there before. */
  add(type: number): boolean {
    const bit = 1 << (type & 31);
    if (type < 32) {
      const before = this.#below32;
      this.#below32 |= bit;
      return (before & bit) === 0;
    }
    if (type < 64) {
      const before = this.#below64;
      this.#below64 |= bit;
      return (before & bit) === 0;
    }
    this.#others ??= new Set();
    const before = this.#others.size;
    return this.#others.add(type).size > before;
  }
}

/** Of those that are read, as the reasons call them. */
function nameOf(type: number): string | undefined {
  switch (type) {
    case 0:
      return 'extension 0';
    case 10:
      return 'extension 10';
    case 13:
      return 'extension 13';
    case 16:
      return 'extension 16';
    case 43:
      return 'extension 43';
    default:
      return undefined;
  }
}
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;

/** All of the data should be read. */
function readExtension(type: number, data: Cursor, into: Extensions): void {
  switch (type) {
    case 0:
      into.serverName = readServerName(data);
      break;
    case 10:
      into.groups = readNumbers(data.vector(2, 'list of groups'));
      break;
    case 13:
      into.signatureAlgorithms = readNumbers(data.vector(2, 'list of signature algorithms'));
      break;
    case 16:
      into.alpn = readAlpn(data.vector(2, 'ALPN list'));
      break;
    case 43:
      into.versions = readNumbers(data.vector(1, 'list of versions'));
      break;
  }
}

/** RFC 6066 section 3. The list could hold other kinds of name; none was ever defined, and OpenSSL refuses them. */
function readServerName(data: Cursor): string {
  const list = data.vector(2, 'server name list');
  if (list.u8() !== 0) throw list.malformed('has a name that is not a host name');
  const name = list.vector(2, 'server name');
  if (list.left > 0) throw list.malformed('has more than one name');
  if (name.left === 0) throw name.malformed('is empty');
  if (name.left > MAX_SERVER_NAME) throw name.malformed(`is longer than ${MAX_SERVER_NAME} bytes`);
  const text = name.text(name.left);
  if (text.includes('\0')) throw name.malformed('has a NUL in it');
  return text;
}

/** RFC 7301 section 3.1. */
function readAlpn(list: Cursor): string[] {
  if (list.left === 0) throw list.malformed('is empty');
  const names: string[] = [];
  while (list.left > 0) {
    const name = list.vector(1, 'ALPN name');
    if (name.left === 0) throw name.malformed('is empty');
    const text = name.text(name.left);
    if (text.length !== 2 || !isGrease((text.charCodeAt(0) << 8) | text.charCodeAt(1))) names.push(text);
  }
  return names;
}

/** A list of 16-bit numbers that may not be empty; the GREASE among them say nothing and are left out. */
function readNumbers(list: Cursor): number[] {
  if (list.left === 0) throw list.malformed('is empty');
  const numbers: number[] = [];
  while (list.left > 0) {
    const number = list.u16();
    if (!isGrease(number)) numbers.push(number);
  }
  return numbers;
}

/** RFC 8701 section 2: 0x0a0a, 0x1a1a, … 0xfafa. */
function isGrease(number: number): boolean {
  return (number & 0x0f0f) === 0x0a0a && number >> 8 === (number & 0xff);
}

/**
 * In TLS 1.3 the signature scheme alone says it (RFC 8446 section 4.2.3). Before, it takes a cipher suite, the curve
 * unless the client left the list of them out (RFC 8422 section 5.1), and the algorithm likewise (RFC 5246 section 7.4.1.4.1).
 */
function takesEcdsa(versions: readonly number[], cipherSuites: readonly number[], offer: Extensions): boolean {
  const algorithms = offer.signatureAlgorithms;
  if (versions.includes(TLS13)) return algorithms?.includes(ECDSA_SHA256) ?? false;
  const signs = algorithms?.some((one) => one === ECDSA_SHA256 || one === ECDSA_SHA1) ?? true;
  return signs && (offer.groups?.includes(SECP256R1) ?? true) && cipherSuites.some((one) => ECDHE_ECDSA.has(one));
}
