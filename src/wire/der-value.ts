// Single values of DER: object identifier, boolean, number, bit string, time. The readers of certificates and of OCSP
// responses take them with it.

import { latin1 } from './cursor.ts';
import { type DerReader, TAG } from './der.ts';

/** Content of an object identifier in hexadecimal: two are the same exactly when their text is. */
export function takeOid(reader: DerReader, what: string): string {
  return Buffer.from(reader.take(TAG.oid, what)).toString('hex');
}

export function takeBoolean(reader: DerReader, what: string): boolean {
  const [value, ...rest] = reader.take(TAG.boolean, what);
  if (rest.length > 0 || (value !== 0 && value !== 0xff)) throw reader.malformed('has a malformed boolean');
  return value === 0xff;
}

/** Content of an INTEGER in its shortest form (X.690 section 8.3.2), of any size and either sign. */
export function takeInteger(reader: DerReader, what: string): Uint8Array {
  const content = reader.take(TAG.integer, what);
  const [first, second = 0] = content;
  if (first === undefined) throw reader.malformed(`has an empty ${what}`);
  const padded = content.length > 1 && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80);
  if (padded) throw reader.malformed(`has a ${what} that is not minimal`);
  return content;
}

/** A whole number from 0 to 2^31 - 1. */
export function takeCount(reader: DerReader, what: string): number {
  const content = takeInteger(reader, what);
  if (content.length > 4 || (content[0] ?? 0) >= 0x80) throw reader.malformed(`has a ${what} out of range`);
  return content.reduce((value, octet) => value * 0x100 + octet, 0);
}

/** Bits from the first on, in whole octets; those left over in the last one are zero (X.690 section 11.2). */
export function takeBits(reader: DerReader, what: string): Uint8Array {
  const content = reader.take(TAG.bitString, what);
  const [unused] = content;
  const last = content.length > 1 ? (content.at(-1) ?? 0) : 0;
  if (
    unused === undefined ||
    unused > 7 ||
    (content.length === 1 && unused > 0) ||
    (last & ((1 << unused) - 1)) !== 0
  ) {
    throw reader.malformed(`has a malformed ${what}`);
  }
  return content.subarray(1);
}

/** Bits of a key or a signature: whole octets. */
export function takeOctets(reader: DerReader, what: string): Uint8Array {
  const content = reader.take(TAG.bitString, what);
  if (content[0] !== 0) throw reader.malformed(`has a ${what} of broken octets`);
  return content.subarray(1);
}

const UTC = /^\d{12}Z$/;
const GENERALIZED = /^\d{14}Z$/;

export interface CertificateDate {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5); there are roots that do otherwise. */
  readonly proper: boolean;
}

/** The next date of a certificate, in either form. */
export function takeDate(reader: DerReader, what: string): CertificateDate {
  if (!reader.isNext(TAG.utcTime)) {
    const time = takeGeneralizedTime(reader, what);
    return { time, proper: time >= Date.UTC(2050) };
  }
  const text = latin1(reader.take(TAG.utcTime, what));
  if (!UTC.test(text)) throw reader.malformed(`has a malformed ${what}`);
  const time = toTime(reader, what, `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`);
  return { time, proper: true };
}

/** In whole seconds and UTC (RFC 5280 section 4.1.2.5.2). */
export function takeGeneralizedTime(reader: DerReader, what: string): number {
  const text = latin1(reader.take(TAG.generalizedTime, what));
  if (!GENERALIZED.test(text)) throw reader.malformed(`has a malformed ${what}`);
  return toTime(reader, what, text);
}

/** `text` is YYYYMMDDHHMMSSZ. */
function toTime(reader: DerReader, what: string, text: string): number {
  const part = (from: number, to: number): number => Number(text.slice(from, to));
  const [year, month, day] = [part(0, 4), part(4, 6), part(6, 8)];
  const [hour, minute, second] = [part(8, 10), part(10, 12), part(12, 14)];
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // Date.UTC takes years below 100 for others, and carries over what is out of range.
  const isReal = year >= 100 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isReal || hour > 23 || minute > 59 || second > 59) throw reader.malformed(`has a ${what} that is no date`);
  return date.getTime();
}
