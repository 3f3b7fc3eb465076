// The ACLs of a squid.conf by name: their type and values, lines of one name put together, and those that Squid brings
// along. acl-bounds.ts says what they mean.

import type { Notes } from './note.ts';
import type { Directive } from './read-conf.ts';

export interface Acl {
  readonly name: string;
  /** As Squid 5 calls it. */
  readonly type: string;
  /** One list per line: of `all-of`, each line is a condition of its own; of all others they are one list. */
  readonly lines: readonly (readonly string[])[];
  readonly values: readonly string[];
  /** Letter case does not count. */
  readonly ignoreCase: boolean;
  /** Values in a file that could not be read: nobody knows what else is meant. */
  readonly incomplete: boolean;
  /** `-n`: a host that is an address is not looked up backwards. */
  readonly isByName: boolean;
  readonly from: readonly Directive[];
}

const BUILT_IN: readonly (readonly [name: string, type: string, ...values: string[]])[] = [
  ['all', 'src', 'all'],
  ['localhost', 'src', '127.0.0.1/32', '::1'],
  ['to_localhost', 'dst', '127.0.0.0/8', '0.0.0.0/32', '::1', '::/128'],
  ['to_linklocal', 'dst', '169.254.0.0/16', 'fe80::/10'],
  ['manager', 'manager'],
  ['CONNECT', 'method', 'CONNECT'],
];

/** Older spellings. */
const SAME_TYPE: Readonly<Record<string, string>> = {
  myip: 'localip',
  myport: 'localport',
  'ssl::server_name': 'server_name',
  'ssl::server_name_regex': 'server_name_regex',
};

export class AclSet {
  /** By their names in lower case: Squid tells no other apart. */
  readonly #acls = new Map<string, Acl>();

  constructor() {
    for (const [name, type, ...values] of BUILT_IN) {
      const own = {
        name,
        type,
        lines: [values],
        values,
        ignoreCase: false,
        incomplete: false,
        isByName: false,
        from: [],
      };
      this.#acls.set(keyOf(name), own);
    }
  }

  get(name: string): Acl | undefined {
    return this.#acls.get(keyOf(name));
  }

  /** Takes one `acl NAME TYPE VALUES`; what is said again goes on top of what was there. */
  define(directive: Directive, { tell }: Notes): void {
    const [name, type] = directive.words;
    if (!name || !type) {
      tell(directive, 'unknown', 'an acl has a name, a type and values', 'complete the line');
      return;
    }
    const own = SAME_TYPE[type.text] ?? type.text;
    const before = this.get(name.text);
    // Of those that Squid brings along, old files say some anew, with the type of their time.
    const known = before && (before.from.length > 0 || before.type === own) ? before : undefined;
    if (known && known.type !== own) {
      tell(directive, 'unknown', `acl ${name.text} is of type ${known.type} above`, 'give one of the two another name');
      return;
    }
    const { values, ignoreCase, incomplete } = valuesOf(directive);
    if (incomplete) {
      const why = `acl ${name.text} names a file that cannot be read, so nobody knows what is in it`;
      tell(directive, 'stricter', why, 'put the file where the line says, and import again');
    }
    this.#acls.set(keyOf(name.text), {
      name: known?.name ?? name.text,
      type: own,
      lines: [...(known?.lines ?? []), values],
      values: [...(known?.values ?? []), ...values],
      ignoreCase: ignoreCase || (known?.ignoreCase ?? false),
      incomplete: incomplete || (known?.incomplete ?? false),
      isByName: directive.words.some(({ text }) => text === '-n') || (known?.isByName ?? false),
      from: [...(known?.from ?? []), directive],
    });
  }
}

/** Of an ACL, wherever it is looked up. */
export const keyOf = (name: string): string => name.toLowerCase();

/** Flags stand before the values; a quoted value names a file of them. */
function valuesOf({ words, lists }: Directive): Pick<Acl, 'values' | 'ignoreCase' | 'incomplete'> {
  const values: string[] = [];
  let ignoreCase = false;
  let incomplete = false;
  for (const [at, { text, quoted }] of words.entries()) {
    if (at < 2) continue;
    if (quoted || lists.has(at)) {
      const list = lists.get(at);
      if (list) values.push(...list);
      else incomplete = true;
    } else if (text === '-i') ignoreCase = true;
    // What is case-sensitive again is taken for not: the bounds of both are kept apart where it matters.
    else if (!/^(?:[-+][inm]|-m=.*|--.*)$/.test(text)) values.push(text);
  }
  return { values, ignoreCase, incomplete };
}
