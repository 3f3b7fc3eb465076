// Mutated certificate chains through the search for a path: nothing may crash, and a chain may be accepted only where
// nothing that is signed has changed. `npm run fuzz` runs it at length, fuzz.test.ts a slice of it.

import fc from 'fast-check';
import { findPath } from '../../src/pki/find-path.ts';
import { TrustedCertificates } from '../../src/pki/trusted-certificates.ts';
import { derOf, Workshop } from '../support/chain-workshop.ts';
import { encodeDer, parseDer } from '../support/der-edit.ts';
import { readCertificate, tryCertificate } from '../support/read-chain.ts';
import type { FuzzOptions } from './fuzz.ts';

export interface ChainReport {
  /** Chains tried; one that fails is made smaller first, which counts once. */
  readonly runs: number;
  /** Of those, chains whose leaf could still be read. */
  readonly read: number;
  readonly accepted: number;
  /** What must not be, with the smallest change that does it and the chain that was changed. */
  readonly mismatches: readonly string[];
}

const NOW = Date.UTC(2026, 0, 1);
const HOWS = ['set', 'insert', 'drop', 'flip'] as const;
type Change = readonly [certificate: number, offset: number, how: (typeof HOWS)[number], value: number];
const change: fc.Arbitrary<Change> = fc.tuple(fc.nat(1), fc.nat(2_000), fc.constantFrom(...HOWS), fc.nat(255));

export async function fuzzChains({ seed, runs, milliseconds }: FuzzOptions): Promise<ChainReport> {
  const shop = new Workshop();
  try {
    const root = await shop.root();
    const middle = await shop.middle();
    const originals = [await shop.issue(middle, {}), middle].map(derOf);
    const signed = originals.map(signedPart);
    const trust = new TrustedCertificates([readCertificate(root.cert)]);
    let read = 0;
    let accepted = 0;
    const tried = fc.check(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const [leaf, ...rest] = mutated(originals, changes).map(tryCertificate);
        if (!leaf) return;
        read += 1;
        const found = findPath([leaf, ...rest.flatMap((one) => one ?? [])], trust, NOW);
        if (!found.ok) return;
        accepted += 1;
        const below = found.path.slice(0, -1);
        const parts = below.map(({ certificate }) => signedPart(certificate.raw));
        if (parts.join() !== signed.join()) throw new Error('accepted, though what is signed has changed');
        for (const [at, { certificate }] of below.entries()) {
          const issuer = found.path[at + 1]?.certificate;
          if (!issuer || !certificate.verify(issuer.publicKey)) throw new Error('accepted, though OpenSSL refuses it');
        }
      }),
      { seed, numRuns: runs, interruptAfterTimeLimit: milliseconds },
    );
    // The keys are new in each run, so the seed alone would not bring it back.
    const sources = originals.map((der) => der.toString('base64')).join(' ');
    const mismatches = tried.failed ? [`${fc.defaultReportMessage(tried)}\n  changed: ${sources}`] : [];
    return { runs: tried.numRuns, read, accepted, mismatches };
  } finally {
    shop.close();
  }
}

function mutated(originals: readonly Buffer[], changes: readonly Change[]): Buffer[] {
  const chain = originals.map((der) => [...der]);
  for (const [which, offset, how, value] of changes) {
    const bytes = chain[which] ?? [];
    const at = offset % bytes.length;
    if (how === 'set') bytes[at] = value;
    else if (how === 'flip') bytes[at] = (bytes[at] ?? 0) ^ (1 << (value & 7));
    else if (how === 'drop') bytes.splice(at, 1);
    else bytes.splice(at, 0, value);
  }
  return chain.map((bytes) => Buffer.from(bytes));
}

function signedPart(der: Uint8Array): string {
  const [tbs] = parseDer(der).parts ?? [];
  return tbs ? Buffer.from(encodeDer(tbs)).toString('hex') : '';
}
