// Keeps ready-made TLS contexts with a minted leaf, one per identity, bounded by count and bytes; concurrent askers
// share one mint. One store per CA and process; a new CA means a new store, so nothing of the old one is ever served.

import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { Host } from '../core/authority.ts';
import { ProxyError } from '../core/errors.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { certificatePem } from './certificate-fields.ts';
import type { ClientTrust } from './client-trust.ts';
import { sweepAfterContext } from './context-sweep.ts';
import { leafValidity, maySignFor, mintLeaf } from './leaf.ts';
import { type ContextLeaf, LeafContext } from './leaf-context.ts';
import { identityKey, type LeafIdentity } from './leaf-identity.ts';
import { type LeafKey, makeLeafKey } from './leaf-key.ts';
import { type LeafCounts, LeafMeter } from './leaf-meter.ts';
import { makeTicketMaster, ticketKeys } from './ticket-keys.ts';
import { CIPHERS } from './tls-suites.ts';

export interface LeafStoreOptions {
  /** Contexts; default 4096. */
  readonly maxEntries?: number;
  /** Bytes, by what a context was measured to take; default 128 MiB. */
  readonly maxBytes?: number;
  /** What session tickets are sealed by; default: one that no other process has. */
  readonly ticketMaster?: Uint8Array;
  /** What the certificates of clients must lead to, where they are asked for one. Then no session is ever resumed. */
  readonly clients?: ClientTrust;
  /** Counts for this store, and others. */
  readonly meter?: LeafMeter;
}

export interface LeafStoreStats extends LeafCounts {
  /** Contexts held now for some host, and the bytes they count for. */
  readonly size: number;
  readonly bytes: number;
}

const MAX_ENTRIES = 4096;
const MAX_BYTES = 128 * 1024 * 1024;
/** Resident bytes of one context on OpenSSL 3.5, and of each further certificate in it: both measured, rounded up. */
const CONTEXT_BYTES = 30 * 1024;
const CHAIN_BYTES = 7 * 1024;
/** Contexts kept of those let go of, of each kind of key: once the store is full, one goes for each that is wanted. */
const MAX_SPARE = 16;

export class LeafStore {
  readonly #ca: CertificateAuthority;
  readonly #chain: string;
  readonly #keys = new Map<LeafKey['type'], Promise<LeafKey>>();
  readonly #contexts: LRUCache<string, LeafContext, LeafIdentity>;
  readonly #spare: Record<LeafKey['type'], LeafContext[]> = { ec: [], rsa: [] };
  readonly #clients: ClientTrust | undefined;
  readonly #meter: LeafMeter;
  #ticketMaster: Uint8Array;
  #isCleared = false;

  constructor(ca: CertificateAuthority, options: LeafStoreOptions = {}) {
    this.#ca = ca;
    this.#clients = options.clients;
    this.#meter = options.meter ?? new LeafMeter();
    this.#ticketMaster = options.ticketMaster ?? makeTicketMaster();
    this.#chain = ca.chain.map((certificate) => certificate.toString()).join('');
    const bytes = CONTEXT_BYTES + CHAIN_BYTES * ca.chain.length;
    this.#contexts = new LRUCache<string, LeafContext, LeafIdentity>({
      max: options.maxEntries ?? MAX_ENTRIES,
      maxSize: options.maxBytes ?? MAX_BYTES,
      sizeCalculation: () => bytes,
      // Certificates end by the clock on the wall, also when the machine was asleep.
      perf: Date,
      ttlResolution: 0,
      // An entry pushed out while it is being made still answers those who wait for it.
      ignoreFetchAbort: true,
      // Whoever has waited for it takes it within this turn.
      disposeAfter: (context) => void setImmediate(() => context.whenFree(() => this.#letGo(context))),
      fetchMethod: async (key, _stale, { context: identity, options: entry }) => {
        const made = await this.#make(key, identity);
        entry.ttl = made.ttl;
        return made.context;
      },
    });
  }

  /**
   * Does the work with the TLS context to answer a client with. Until it is done, the leaf stays in the context; then
   * another may take its place. Makes the leaf when there is none, or when the one there is past half of its life; it
   * names those of the hosts that the CA may sign for. Rejects with ProxyError `ca-unusable` when that is none of them,
   * and when the CA is no longer valid (failures are not kept); and as the work does.
   */
  async lend<T>(wanted: LeafIdentity, work: (context: SecureContext) => Promise<T>): Promise<T> {
    const context = await this.#contextFor(wanted);
    return context.lend(work);
  }

  #contextFor(wanted: LeafIdentity): Promise<LeafContext> {
    const identity = { ...wanted, hosts: wanted.hosts.filter((host) => this.maySignFor(host)) };
    if (identity.hosts.length === 0) {
      const texts = wanted.hosts.map((host) => host.text).join(', ');
      return Promise.reject(new ProxyError('ca-unusable', `Its name constraints leave out ${texts}.`));
    }
    const key = this.#keyFor(identity);
    const known = this.#contexts.get(key);
    if (known) {
      this.#meter.hit();
      return Promise.resolve(known);
    }
    this.#meter.miss();
    return this.#contexts.forceFetch(key, { context: identity });
  }

  /** False for a host that the name constraints of the CA leave out: no client would take a leaf for it. */
  maySignFor(host: Host): boolean {
    return maySignFor(this.#ca, host);
  }

  /** Whether `lend` has a context at hand. */
  has(identity: LeafIdentity): boolean {
    return this.#contexts.has(this.#keyFor(identity));
  }

  /** From here on tickets are sealed by this master; those of the one before mean a full handshake. */
  renewTickets(master: Uint8Array): void {
    this.#ticketMaster = master;
    for (const [key, context] of [...this.#contexts.entries()]) {
      if (context.canChange) context.renewTickets(ticketKeys(master, key));
      else this.#contexts.delete(key);
    }
  }

  /** Lets go of all contexts, for good: another store takes its place. Whoever shakes hands goes on. */
  clear(): void {
    this.#isCleared = true;
    this.#contexts.clear();
    for (const spare of Object.values(this.#spare)) spare.length = 0;
  }

  get stats(): LeafStoreStats {
    const { size, calculatedSize: bytes } = this.#contexts;
    return { ...this.#meter.read(), size, bytes };
  }

  #keyFor(identity: LeafIdentity): string {
    return `${this.#ca.fingerprint} ${identityKey(identity)}`;
  }

  async #make(purpose: string, identity: LeafIdentity): Promise<{ context: LeafContext; ttl: number }> {
    const key = await this.#keyOf(identity.keyType);
    const now = new Date();
    const begin = performance.now();
    const der = mintLeaf(this.#ca, key, identity, now);
    const leaf = { der, pem: certificatePem(der), ticketKeys: ticketKeys(this.#ticketMaster, purpose) };
    const context = this.#changed(key, leaf) ?? this.#contextWith(key, leaf);
    this.#meter.minted(performance.now() - begin);
    return { context, ttl: (leafValidity(this.#ca, now).notAfter.getTime() - now.getTime()) / 2 };
  }

  /** One that was let go of, with this leaf in it. */
  #changed(key: LeafKey, leaf: ContextLeaf): LeafContext | undefined {
    const spare = this.#spare[key.type].pop();
    if (spare === undefined || spare.take(leaf)) return spare;
    sweepAfterContext();
    return undefined;
  }

  #contextWith(key: LeafKey, leaf: ContextLeaf): LeafContext {
    const context = createSecureContext({
      key: key.pem,
      cert: leaf.pem + this.#chain,
      // None: without this line OpenSSL would look among all public roots for issuers to send along.
      ca: [],
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      honorCipherOrder: true,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ticketKeys: leaf.ticketKeys,
      ...this.#clients?.context,
    });
    return new LeafContext(context, key.type);
  }

  #letGo(context: LeafContext): void {
    const spare = this.#spare[context.keyType];
    if (context.canChange && !this.#isCleared && spare.length < MAX_SPARE) spare.push(context);
    else sweepAfterContext();
  }

  /** Made once per type, the first time it is asked for; a failure is not kept. */
  #keyOf(type: LeafKey['type']): Promise<LeafKey> {
    const known = this.#keys.get(type);
    if (known) return known;
    const made = makeLeafKey(type);
    this.#keys.set(type, made);
    made.catch(() => this.#keys.delete(type));
    return made;
  }
}
