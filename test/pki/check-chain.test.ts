import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { checkChain, expiryWarning } from '../../src/pki/check-chain.ts';
import { createCa } from '../../src/pki/create-ca.ts';
import { BASIC_CONSTRAINTS, CA_EXTENSIONS, issue, KEY_ID, KEY_USAGE, type Pair, temporaryFolder } from './fixtures.ts';

const DAY = 24 * 3_600_000;
const folder = temporaryFolder();
/** A little later than the certificates that the tests are going to make. */
const now = new Date(Date.now() + 60_000);
const read = (pair: Pair): X509Certificate => new X509Certificate(readFileSync(pair.cert));
const check = (...pairs: readonly Pair[]) => checkChain(pairs.map(read), '/etc/ca.pem', now);

const root = issue(folder, 'root');
const upper = issue(folder, 'upper', { issuer: root });
const lower = issue(folder, 'lower', { issuer: upper });
const stranger = issue(folder, 'stranger');

/** The sentence that a chain is refused with. */
function refused(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ProxyError && error.code === 'ca-unusable') return error.detail;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('what is sent and what is trusted', () => {
  test.each<[string, Pair[], Pair[], Pair]>([
    ['a root by itself', [root], [], root],
    ['an intermediate with its root', [upper, root], [upper], root],
    ['two intermediates with their root', [lower, upper, root], [lower, upper], root],
    ['two intermediates without their root', [lower, upper], [lower, upper], upper],
  ])('%s', (_, given, sent, anchor) => {
    const chain = check(...given);
    expect(chain.chain.map((each) => each.fingerprint256)).toEqual(sent.map((pair) => read(pair).fingerprint256));
    expect(chain.anchor.fingerprint256).toBe(read(anchor).fingerprint256);
  });

  test('the dates are those in which all of the chain is valid', () => {
    const all = [lower, upper, root].map(read);
    const chain = check(lower, upper, root);
    for (const each of all) {
      expect(chain.notBefore >= each.validFromDate).toBe(true);
      expect(chain.notAfter <= each.validToDate).toBe(true);
    }
  });
});

describe('what is refused, with the mend', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['a leaf', ['subjectAltName=DNS:a.test', KEY_ID], /is not a CA \(basicConstraints CA:TRUE\)/],
    ['CA:FALSE', ['basicConstraints=critical,CA:FALSE', KEY_USAGE, KEY_ID], /is not a CA/],
    ['no keyUsage', [BASIC_CONSTRAINTS, KEY_ID], /keyUsage=critical,keyCertSign,cRLSign/],
    [
      'keyUsage without keyCertSign',
      [BASIC_CONSTRAINTS, KEY_ID, 'keyUsage=critical,cRLSign'],
      /may not sign certificates/,
    ],
    ['no key identifier', [BASIC_CONSTRAINTS, KEY_USAGE, 'subjectKeyIdentifier=none'], /subjectKeyIdentifier=hash/],
  ])('%s', (name, extensions, sentence) => {
    const detail = refused(() => check(issue(folder, name.replace(/\W/g, '-'), { extensions })));
    expect(detail).toMatch(sentence);
    expect(detail).toContain('/etc/ca.pem');
  });

  test.each<[string, Pair[], RegExp]>([
    ['a stranger as issuer', [upper, stranger], /Certificate 2 in \/etc\/ca\.pem has not issued the one before it/],
    ['the wrong order', [root, upper], /Certificate 2 .* order them/],
    ['a gap', [lower, root], /Certificate 2 .* order them/],
    ['a stranger at the end', [lower, upper, stranger], /Certificate 3/],
    ['nothing', [], /holds no certificate/],
  ])('%s', (_, pairs, sentence) => {
    expect(refused(() => check(...pairs))).toMatch(sentence);
  });

  test('an issuer of the same name that has another key', () => {
    const double = issue(folder, 'double', {
      subject: '/O=Example/CN=root',
      extensions: [BASIC_CONSTRAINTS, KEY_USAGE],
    });
    expect(refused(() => check(upper, double))).toContain('has not issued the one before it');
  });

  test('an issuer that allows no CA below it, at the depth where it counts', () => {
    const limited = (length: number): string[] => [`${BASIC_CONSTRAINTS},pathlen:${length}`, ...CA_EXTENSIONS.slice(1)];
    const one = issue(folder, 'one', { issuer: root, extensions: limited(1) });
    const none = issue(folder, 'none', { issuer: one, extensions: limited(0) });
    const below = issue(folder, 'below', { issuer: none });
    expect(check(none, one, root).chain).toHaveLength(2);
    expect(refused(() => check(below, none))).toContain(
      'Certificate 2 in /etc/ca.pem allows no CA at this depth (pathlen)',
    );
    const wide = issue(folder, 'wide', { issuer: one });
    const deep = issue(folder, 'deep', { issuer: wide });
    expect(refused(() => check(deep, wide, one, root))).toContain('Certificate 3 in /etc/ca.pem allows no CA');
  });

  test.each([
    ['has expired', 20 * 365],
    ['is valid from', -3],
  ])('a CA that %s', (sentence, daysAgo) => {
    const made = new X509Certificate(createCa({ now: new Date(now.getTime() - daysAgo * DAY) }).certificate);
    const detail = refused(() => checkChain([made], '/etc/ca.pem', now));
    expect(detail).toContain(sentence);
    expect(detail).toContain('/etc/ca.pem');
    expect(detail).not.toContain('\n');
  });
});

describe('what is only warned of', () => {
  test('nothing, when all is well', () => {
    expect(check(root).warnings).toEqual([]);
    expect(check(lower, upper, root).warnings).toEqual([]);
  });

  test('basicConstraints that are not critical', () => {
    const loose = issue(folder, 'loose', { extensions: ['basicConstraints=CA:TRUE', KEY_USAGE, KEY_ID] });
    expect(check(loose).warnings).toEqual([
      'O=Example, CN=loose in /etc/ca.pem has basicConstraints that are not critical: strict clients refuse it.',
    ]);
  });

  test('a root that is not there', () => {
    expect(check(upper).warnings).toEqual([
      'The root is not in /etc/ca.pem: clients must already trust the issuer of O=Example, CN=upper.',
    ]);
  });

  test.each([
    [365, undefined],
    [90, undefined],
    [89, /expires in 89 days, on \d{4}-\d\d-\d\d: plan to replace it\.$/],
    [30, /plan to replace it/],
    [29, /expires in 29 days.*replace it soon/],
    [7, /replace it soon/],
    [6, /expires in 6 days.*replace it now/],
    [1, /expires in 1 day, .*replace it now/],
    [0, /expires in 0 days.*replace it now/],
  ])('an end in %i days', (days, sentence) => {
    const warning = expiryWarning(new Date(now.getTime() + days * DAY + 1000), '/etc/ca.pem', now);
    if (sentence === undefined) expect(warning).toBeUndefined();
    else expect(warning).toMatch(sentence);
  });
});
