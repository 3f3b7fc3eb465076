// The common names in a distinguished name (RFC 5280 section 4.1.2.4), read from its DER: the text that Node makes of a
// subject shows a newline in a name and the next field alike. Called by net/client-verifier.

import type { Parsed } from '../core/authority.ts';
import { type DerReader, readDer, TAG } from './der.ts';
import { takeOid } from './der-value.ts';

const SET = 0x31;
const COMMON_NAME = '550403';

/** How the kinds of text that are still written (RFC 5280 section 4.1.2.4) are decoded; others are not taken. */
const ENCODINGS: ReadonlyMap<number, string> = new Map([
  [0x0c, 'utf-8'],
  [0x13, 'utf-8'],
  [0x16, 'utf-8'],
  [0x1e, 'utf-16be'],
]);

/** `der`: a Name, identifier and length included. */
export function readCommonNames(der: Uint8Array): Parsed<readonly string[]> {
  return readDer(der, 'subject', (outer) =>
    outer.inside(TAG.sequence, 'distinguished name', (name) => {
      const found: string[] = [];
      while (!name.done) {
        name.inside(SET, 'relative distinguished name', (set) => {
          while (!set.done) set.inside(TAG.sequence, 'attribute', (attribute) => readAttribute(attribute, found));
        });
      }
      return found;
    }),
  );
}

function readAttribute(attribute: DerReader, found: string[]): void {
  const oid = takeOid(attribute, 'attribute type');
  const { tag, content } = attribute.element();
  if (oid !== COMMON_NAME) return;
  const text = decode(content, ENCODINGS.get(tag));
  if (text === undefined) throw attribute.malformed('has a common name in an encoding that is not taken');
  found.push(text);
}

function decode(content: Uint8Array, encoding: string | undefined): string | undefined {
  if (encoding === undefined) return undefined;
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}
