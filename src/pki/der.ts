// The few DER values that certificates and PKCS#12 files are built from, over node-forge's ASN.1 encoder. For writing
// and for our own CA certificate only: what an origin sent never comes here.

import forge from 'node-forge';

const { asn1 } = forge;
const { Class, Type } = asn1;

export type Der = forge.asn1.Asn1;

/** The tag of a SEQUENCE with its bit "constructed" set. */
const ENCODED_SEQUENCE = Type.SEQUENCE | 0x20;

const universal = (type: forge.asn1.Type, constructed: boolean, value: string | Der[]): Der =>
  asn1.create(Class.UNIVERSAL, type, constructed, value);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export const sequence = (...parts: Der[]): Der => universal(Type.SEQUENCE, true, parts);
export const set = (...parts: Der[]): Der => universal(Type.SET, true, parts);
export const oid = (dotted: string): Der => universal(Type.OID, false, asn1.oidToDer(dotted).getBytes());
export const octets = (content: Uint8Array): Der => universal(Type.OCTETSTRING, false, latin1(content));
export const integer = (bigEndian: Uint8Array): Der => universal(Type.INTEGER, false, latin1(bigEndian));
export const smallInteger = (value: number): Der => universal(Type.INTEGER, false, asn1.integerToDer(value).getBytes());
export const nothing = (): Der => universal(Type.NULL, false, '');
export const yes = (): Der => universal(Type.BOOLEAN, false, '\xff');
export const utf8 = (text: string): Der => universal(Type.UTF8, false, latin1(Buffer.from(text, 'utf8')));
export const bmp = (text: string): Der => universal(Type.BMPSTRING, false, text);

/** A BIT STRING; `unused` counts the bits at the end that do not belong to it. */
export const bits = (content: Uint8Array, unused = 0): Der =>
  universal(Type.BITSTRING, false, String.fromCharCode(unused) + latin1(content));

/** UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5). */
export const time = (date: Date): Der =>
  date.getUTCFullYear() < 2050
    ? universal(Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : universal(Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));

/** `[tag] EXPLICIT` around other values. */
export const explicit = (tag: number, ...parts: Der[]): Der => asn1.create(Class.CONTEXT_SPECIFIC, tag, true, parts);

/** `[tag] IMPLICIT` over a primitive value. */
export const implicit = (tag: number, content: Uint8Array): Der =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, latin1(content));

/**
 * A SEQUENCE that is already encoded, kept byte for byte: to the encoder it is a primitive value with a tag
 * of its own, so it never looks inside. Throws when the bytes are no SEQUENCE.
 */
export function encodedSequence(der: Uint8Array): Der {
  const [tag, length = 0] = der;
  const header = 2 + (length > 0x7f ? length & 0x7f : 0);
  if (tag !== ENCODED_SEQUENCE || der.length < header) throw new TypeError('not an encoded SEQUENCE');
  return asn1.create(Class.UNIVERSAL, ENCODED_SEQUENCE, false, latin1(der.subarray(header)));
}

export const encode = (value: Der): Buffer => Buffer.from(asn1.toDer(value).getBytes(), 'latin1');

/** Reads DER that OpenSSL has accepted before. Throws on anything malformed. */
export const decode = (der: Uint8Array): Der => asn1.fromDer(latin1(der));

/** The members of a constructed value; none for a primitive one. */
export const members = (value: Der | undefined): readonly Der[] => (Array.isArray(value?.value) ? value.value : []);

/** The content octets of a primitive value; empty for a constructed one. */
export const content = (value: Der | undefined): Buffer =>
  Buffer.from(typeof value?.value === 'string' ? value.value : '', 'latin1');

/** The dotted form of an OBJECT IDENTIFIER; empty for any other value. */
export const dotted = (value: Der | undefined): string =>
  value?.type === Type.OID && typeof value.value === 'string' ? asn1.derToOid(value.value) : '';

export const isContext = (value: Der, tag: number): boolean =>
  value.tagClass === Class.CONTEXT_SPECIFIC && Number(value.type) === tag;
export const isTrue = (value: Der | undefined): boolean => value?.type === Type.BOOLEAN && value.value !== '\0';
