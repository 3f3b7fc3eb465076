// MINT-04: hosts that are none, for which there is no leaf. KEY-05: CAs that may not sign for everything.

import type { Row } from './row.ts';

const no = (name: string, input: string): Row => ({ id: 'MINT-04', area: 'minting', name, input, expected: '400' });

export const NO_HOSTS: readonly Row[] = [
  no('a star', '*'),
  no('a wildcard', '*.ok.test'),
  no('a label of 64', `${'a'.repeat(64)}.test`),
  no('a name of 254', `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(62)}`),
  no('an empty label', 'a..test'),
  no('nothing', ''),
  no('an IDN in the raw', 'b\xfccher.test'),
  no('a path', '../../ok.test'),
  no('an address with a zone', '[fe80::1%25eth0]'),
];

export interface Constrained {
  /** As openssl spells it, of the CA itself. */
  readonly constraints: string;
  /** Likewise of its issuer, where it has one. */
  readonly above?: string;
}

/** Which of these hosts the CA lets pass: `x.corp.test`, `ok.test`, `127.0.0.2`. */
export const CONSTRAINED: readonly Row<Constrained, readonly string[]>[] = (
  [
    ['a permitted domain', { constraints: 'critical,permitted;DNS:corp.test' }, ['x.corp.test', '127.0.0.2']],
    ['a domain that is left out', { constraints: 'critical,excluded;DNS:ok.test' }, ['x.corp.test', '127.0.0.2']],
    ['no address at all', { constraints: 'critical,excluded;IP:0.0.0.0/0.0.0.0' }, ['x.corp.test', 'ok.test']],
    [
      'a permitted network and domain',
      { constraints: 'critical,permitted;DNS:corp.test,permitted;IP:10.0.0.0/255.0.0.0' },
      ['x.corp.test'],
    ],
    [
      'a subject of its company',
      { constraints: 'critical,permitted;dirName:dn' },
      ['x.corp.test', 'ok.test', '127.0.0.2'],
    ],
    [
      'a permitted domain of its issuer',
      { constraints: '', above: 'critical,permitted;DNS:corp.test' },
      ['x.corp.test', '127.0.0.2'],
    ],
  ] as const
).map(([name, input, expected]) => ({ id: 'KEY-05', area: 'CA key', name, input, expected }));
