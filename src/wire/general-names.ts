// The names in a certificate: its subjectAltName, and the subtrees that a CA may or may not sign for (RFC 5280 sections
// 4.2.1.6 and 4.2.1.10). Called by certificate-extensions.

import type { AlternativeNames, NameConstraints, Subtrees } from '../core/certificate-facts.ts';
import { latin1 } from './cursor.ts';
import { type DerReader, TAG } from './der.ts';

/** Context tags of a GeneralName, by number: the structured ones are constructed. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const MAIL_NAME = 0x81;
const URI_NAME = 0x86;
const OTHER_NAMES: ReadonlySet<number> = new Set([0xa0, MAIL_NAME, 0xa3, 0xa4, 0xa5, URI_NAME, 0x88]);

/** Context tags within NameConstraints. */
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;

const NONE: Subtrees = { dns: [], ip: [] };

/** `value` is the content of the extension. */
export function readAlternativeNames(value: DerReader): AlternativeNames {
  return value.inside(TAG.sequence, 'list of alternative names', (list) => {
    const dnsNames: string[] = [];
    const ipAddresses: Uint8Array[] = [];
    const otherNames: string[] = [];
    while (!list.done) readName(list, dnsNames, ipAddresses, [4, 16], otherNames);
    return otherNames.length > 0 ? { dnsNames, ipAddresses, otherNames } : { dnsNames, ipAddresses };
  });
}

/** `value` is the content of the extension. */
export function readNameConstraints(value: DerReader): NameConstraints {
  return value.inside(TAG.sequence, 'nameConstraints', (fields) => {
    if (fields.done) throw fields.malformed('is empty');
    const permitted = fields.isNext(PERMITTED) ? fields.inside(PERMITTED, 'permitted subtrees', readSubtrees) : NONE;
    const excluded = fields.isNext(EXCLUDED) ? fields.inside(EXCLUDED, 'excluded subtrees', readSubtrees) : NONE;
    return { permitted, excluded };
  });
}

function readSubtrees(list: DerReader): Subtrees {
  if (list.done) throw list.malformed('is empty');
  const dns: string[] = [];
  const ip: Uint8Array[] = [];
  while (!list.done) {
    // Minimum and maximum are not used by anybody (RFC 5280 section 4.2.1.10): a subtree with them has bytes left over.
    list.inside(TAG.sequence, 'subtree', (subtree) => readName(subtree, dns, ip, [8, 32]));
  }
  return { dns, ip };
}

/** The next GeneralName, put where it belongs; `sizes` are those that an address may have. */
function readName(
  list: DerReader,
  dns: string[],
  ip: Uint8Array[],
  sizes: readonly number[],
  others: string[] = [],
): void {
  const { tag, content } = list.element();
  if (tag === DNS_NAME) dns.push(latin1(content));
  else if (tag === IP_ADDRESS) {
    if (!sizes.includes(content.length)) throw list.malformed(`has an address of ${content.length} bytes`);
    ip.push(Uint8Array.from(content));
  } else if (tag === MAIL_NAME || tag === URI_NAME) others.push(latin1(content));
  else if (!OTHER_NAMES.has(tag)) throw list.malformed(`has a name of unknown tag ${tag}`);
}
