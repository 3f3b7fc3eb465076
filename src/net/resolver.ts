// Names to addresses: hosts map, hosts file, then DNS, with a deadline, a cache by TTL and one question per name at a
// time. Called by net/upstream. No search domains and no reverse lookups: a decision rests on neither.

import { Resolver as DnsResolver } from 'node:dns/promises';
import { parseHost } from '../core/authority.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import { HostsFile } from './hosts-file.ts';
import type { ResolverOptions } from './options.ts';
import { UpstreamMeter } from './upstream-meter.ts';

/** Milliseconds a failure is remembered (RFC 2308 leaves it to us; short, so that a mended name is seen soon). */
const NEGATIVE_TTL = 5_000;
/** Names remembered at most; the oldest go first. */
const MAX_CACHED = 10_000;
/** Addresses of one name that are looked at: far more than are tried within a deadline, and few to remember. */
const MAX_ADDRESSES = 64;
/** Milliseconds the slower of A and AAAA is waited for once the other is here (RFC 8305 section 3). */
const RESOLUTION_DELAY = 50;

interface Answer {
  readonly addresses: readonly string[];
  readonly error?: ProxyError;
  readonly expires: number;
}

/** A name as it is remembered. */
export interface KnownName {
  readonly host: string;
  /** None where there is no such name. */
  readonly addresses: readonly string[];
  /** Milliseconds that it is still good for. */
  readonly ttl: number;
}

export class Resolver {
  readonly #dns: DnsResolver;
  readonly #hosts: ReadonlyMap<string, readonly string[]>;
  readonly #hostsFile: HostsFile | undefined;
  readonly #maxTtl: number;
  readonly #timeout: number;
  readonly #cache = new Map<string, Answer>();
  readonly #asking = new Map<string, Promise<Answer>>();
  readonly #meter: UpstreamMeter;

  /** `timeout`: milliseconds for one question, all tries together. */
  constructor(options: ResolverOptions, timeout: number, meter = new UpstreamMeter()) {
    this.#meter = meter;
    this.#dns = new DnsResolver({ timeout: Math.max(1, Math.floor(timeout / 2)), tries: 2 });
    if (options.servers.length > 0) this.#dns.setServers([...options.servers]);
    else this.#hostsFile = new HostsFile();
    this.#hosts = canonicalHosts(options.hosts);
    this.#maxTtl = options.maxTtl;
    this.#timeout = timeout;
  }

  /** The addresses of a canonical name, IPv6 and IPv4 in turn. Throws ProxyError `dns-failed` or `dns-timeout`. */
  async resolve(host: string): Promise<readonly string[]> {
    const remembered = this.recall(host);
    if (remembered) return remembered;
    this.#meter.named('miss');
    return addressesOf(await this.#askOnce(host));
  }

  /** What `resolve` would give or throw without asking anybody; undefined: it would ask. */
  recall(host: string): readonly string[] | undefined {
    const local = this.known(host);
    const cached = local ? undefined : this.#cached(host);
    if (local) this.#meter.named('local');
    else if (cached) this.#meter.named('hit');
    return local ?? (cached && addressesOf(cached));
  }

  /** What the hosts map or the hosts file has, so that nobody is asked. */
  known(host: string): readonly string[] | undefined {
    return this.#hosts.get(host) ?? this.#hostsFile?.lookup(host);
  }

  /** Names remembered now. */
  get size(): number {
    return this.#cache.size;
  }

  /** At most `most` of the names that are remembered. */
  names(most: number): KnownName[] {
    const now = performance.now();
    const fresh = [...this.#cache].filter(([, { expires }]) => expires > now).slice(-most);
    return fresh.map(([host, { addresses, expires }]) => ({ host, addresses, ttl: expires - now }));
  }

  #cached(host: string): Answer | undefined {
    const answer = this.#cache.get(host);
    if (answer && answer.expires > performance.now()) return answer;
    if (answer) this.#cache.delete(host);
    return undefined;
  }

  #askOnce(host: string): Promise<Answer> {
    const asking = this.#asking.get(host);
    if (asking) return asking;
    const begin = performance.now();
    const asked = this.#ask(host).then((answer) => {
      this.#meter.lookedUp(performance.now() - begin);
      this.#asking.delete(host);
      if (this.#cache.size >= MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value ?? '');
      this.#cache.set(host, answer);
      return answer;
    });
    this.#asking.set(host, asked);
    return asked;
  }

  async #ask(host: string): Promise<Answer> {
    const four = collect(this.#dns.resolve4(host, { ttl: true }));
    const six = collect(this.#dns.resolve6(host, { ttl: true }));
    const deadline = new Deadline(this.#timeout);
    try {
      await deadline.first([four, six]);
      await new Deadline(RESOLUTION_DELAY, deadline).all([four, six]);
    } finally {
      deadline.clear();
    }
    const records = interleave(six.records, four.records).slice(0, MAX_ADDRESSES);
    const now = performance.now();
    if (records.length === 0) {
      const expires = now + Math.min(NEGATIVE_TTL, this.#maxTtl);
      return { addresses: [], error: failure(host, [four, six]), expires };
    }
    const ttl = Math.min(this.#maxTtl, ...records.map((record) => record.ttl * 1000));
    return { addresses: records.map((record) => record.address), expires: now + ttl };
  }
}

function addressesOf({ addresses, error }: Answer): readonly string[] {
  if (error) throw error;
  return addresses;
}

interface DnsRecord {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

interface Question {
  records: readonly DnsRecord[];
  error: unknown;
  settled: boolean;
  readonly done: Promise<void>;
}

function collect(asked: Promise<readonly DnsRecord[]>): Question {
  const question: Question = {
    records: [],
    error: undefined,
    settled: false,
    done: asked.then(
      (records) => {
        question.records = records;
        question.settled = true;
      },
      (error: unknown) => {
        question.error = error;
        question.settled = true;
      },
    ),
  };
  return question;
}

/** A wait with an end, for questions that may never be answered. */
class Deadline {
  readonly #timer: NodeJS.Timeout;
  readonly #over: Promise<void>;

  constructor(milliseconds: number, outer?: Deadline) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#timer = setTimeout(resolve, milliseconds);
    this.#over = outer ? Promise.race([promise, outer.#over]) : promise;
  }

  /** Until one question has records, or all are settled. */
  async first(questions: readonly Question[]): Promise<void> {
    const withRecords = questions.map(async (question) => {
      await question.done;
      if (question.records.length === 0) throw new Error('no records');
    });
    await Promise.race([Promise.any(withRecords).catch(() => undefined), this.#over]);
  }

  async all(questions: readonly Question[]): Promise<void> {
    await Promise.race([Promise.all(questions.map((question) => question.done)), this.#over]);
    this.clear();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

function failure(host: string, questions: readonly Question[]): ProxyError {
  const unanswered = questions.some((question) => !question.settled || /TIMEOUT/.test(messageOf(question.error)));
  if (unanswered) return new ProxyError('dns-timeout', host);
  const cause = questions.find((question) => question.error !== undefined)?.error;
  return new ProxyError('dns-failed', `${host}: ${cause ? messageOf(cause) : 'no addresses'}`, { cause });
}

function interleave(a: readonly DnsRecord[], b: readonly DnsRecord[]): DnsRecord[] {
  const out: DnsRecord[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    for (const record of [a[i], b[i]]) if (record) out.push(record);
  }
  return out;
}

function canonicalHosts(hosts: ResolverOptions['hosts']): Map<string, readonly string[]> {
  const out = new Map<string, readonly string[]>();
  for (const [name, addresses] of Object.entries(hosts)) {
    const host = parseHost(name);
    out.set(host.ok ? host.value.text : name, typeof addresses === 'string' ? [addresses] : addresses);
  }
  return out;
}
