// Takes a certificate apart, lets a test bend it, and has its issuer sign it again: for what openssl refuses to make.

import { type KeyObject, sign } from 'node:crypto';
import { der } from './der.ts';

/** One element of DER: its content, or its parts where it is constructed. */
export interface Element {
  tag: number;
  content: number[];
  parts?: Element[];
}

export function parseDer(bytes: Uint8Array): Element {
  const [element] = parseAll(bytes);
  if (!element) throw new Error('no DER');
  return element;
}

function parseAll(bytes: Uint8Array): Element[] {
  const all: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0;
    let begin = at + 2;
    if (length > 0x80) {
      const octets = length - 0x80;
      length = bytes.subarray(begin, begin + octets).reduce((sum, octet) => sum * 0x100 + octet, 0);
      begin += octets;
    }
    const content = bytes.subarray(begin, begin + length);
    all.push({ tag, content: [...content], ...((tag & 0x20) !== 0 ? { parts: parseAll(content) } : {}) });
    at = begin + length;
  }
  return all;
}

export function encodeDer({ tag, content, parts }: Element): number[] {
  return der(tag, parts ? parts.flatMap(encodeDer) : content);
}

export function element(tag: number, content: Iterable<number>): Element {
  return { tag, content: [...content] };
}

export function constructed(tag: number, ...parts: Element[]): Element {
  return { tag, content: [], parts };
}

/** The fields of a TBSCertificate of version 3, by name (RFC 5280 section 4.1). */
const FIELDS = ['version', 'serial', 'algorithm', 'issuer', 'validity', 'subject', 'key', 'extensions'] as const;
export type Tbs = Record<(typeof FIELDS)[number], Element>;

/** The certificate with what `edit` made of its fields, signed anew with SHA-256 by an EC or RSA key, in PEM. */
export function resign(certificate: Uint8Array, issuerKey: KeyObject, edit: (fields: Tbs) => void): string {
  const { parts: [tbs, algorithm] = [] } = parseDer(certificate);
  if (!tbs?.parts || !algorithm) throw new Error('no certificate');
  const blank = element(5, []);
  const fields = Object.fromEntries(FIELDS.map((name, at) => [name, tbs.parts?.[at] ?? blank])) as Tbs;
  edit(fields);
  const signed = constructed(0x30, ...FIELDS.map((name) => fields[name]).filter((part) => part !== blank));
  const signature = sign('sha256', Uint8Array.from(encodeDer(signed)), issuerKey);
  return toPem(Uint8Array.from(encodeDer(constructed(0x30, signed, algorithm, element(3, [0, ...signature])))));
}

export function toPem(certificate: Uint8Array): string {
  const base64 = Buffer.from(certificate).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** The list of extensions of a certificate, to be changed in place. */
export function extensionsOf(fields: Tbs): Element[] {
  const list = fields.extensions.parts?.[0]?.parts;
  if (!list) throw new Error('no extensions');
  return list;
}

/** An OCSP response as it would have been five years ago, signed again with SHA-256. */
export function resignOcsp(response: Uint8Array, key: KeyObject): Buffer {
  const outer = parseDer(response);
  const octets = outer.parts?.[1]?.parts?.[0]?.parts?.[1];
  if (!octets) throw new Error('no OCSP response');
  const basic = parseDer(Uint8Array.from(octets.content));
  const [data, , signature] = basic.parts ?? [];
  if (!data || !signature) throw new Error('no basic response');
  makeOld(data);
  signature.content = [0, ...sign('sha256', Uint8Array.from(encodeDer(data)), key)];
  octets.content = encodeDer(basic);
  return Buffer.from(encodeDer(outer));
}

function makeOld(part: Element): void {
  if (part.tag === 0x18) part.content.splice(0, 4, ...Buffer.from(String(new Date().getUTCFullYear() - 5)));
  for (const inner of part.parts ?? []) makeOld(inner);
}
