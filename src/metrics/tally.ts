// Counts what the journal tells of each transaction. It is called for every one, so that it makes nothing anew: it adds to
// fields that are there. Made by proxy.ts, one for a process; flow/measure reads it.

import type { Exception } from '../core/decision.ts';
import { ERROR_KINDS, type ErrorCode } from '../core/error-kinds.ts';
import type { HierarchyCode } from '../core/hierarchy.ts';
import { Histogram } from '../core/histogram.ts';
import type { AccessLogEntry, Confidence, Outcome } from '../log/access-log-entry.ts';
import { ClientTally } from './client-tally.ts';
import { HandshakeTally } from './handshake-tally.ts';
import type { Counts } from './measures.ts';

interface RuleCounts {
  allow: number;
  deny: number;
  /** Allowed for want of enforcement. */
  wouldDeny: number;
}

type TlsEnd = 'bump' | 'splice' | 'terminate' | 'tunnel' | 'deny';

/** Rules of one process: those of its config, and of all it had before; beyond, they are counted together. */
const MOST_RULES = 2_000;
const OTHER_RULES = 'others';

/** By the first digit of the status. */
const CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'];
/** What the client gets is of its origin, whatever the origin says. */
const PASSES_ON: ReadonlySet<Outcome> = new Set([
  'forwarded',
  'spliced',
  'tunnelled',
  'upgraded',
  'aborted',
  'timed_out',
] as const);
/** Where each sum stands. */
const [REQUESTS, CONNECTS, FROM_CLIENT, TO_CLIENT, FROM_UPSTREAM] = [0, 1, 2, 3, 4];

export class Tally {
  readonly clients = new ClientTally();
  readonly handshakes = new HandshakeTally();
  readonly requestTimes = new Histogram();
  readonly firstByteTimes = new Histogram();
  readonly #outcomes: Record<Outcome, number> = {
    bumped: 0,
    spliced: 0,
    tunnelled: 0,
    upgraded: 0,
    forwarded: 0,
    answered: 0,
    denied: 0,
    terminated: 0,
    failed: 0,
    malformed: 0,
    aborted: 0,
    timed_out: 0,
    client_rejected_certificate: 0,
    no_request: 0,
  };
  readonly #connects: Record<TlsEnd, number> = { bump: 0, splice: 0, terminate: 0, tunnel: 0, deny: 0 };
  readonly #classes = new Float64Array(CLASSES.length);
  readonly #hierarchy: Record<HierarchyCode, number> = {
    HIER_NONE: 0,
    HIER_DIRECT: 0,
    FIRSTUP_PARENT: 0,
    ROUNDROBIN_PARENT: 0,
  };
  readonly #confidence: Record<Confidence, number> = { certain: 0, likely: 0, suspected: 0 };
  readonly #exceptions: Record<Exception, number> = { pinned: 0, 'client-cert': 0 };
  readonly #rules = new Map<string, RuleCounts>();
  readonly #errors = new Map<ErrorCode, number>();
  readonly #refusals = new Map<ErrorCode, number>();
  /** Requests, CONNECTs, bytes from clients, bytes to them, of those what origins sent. */
  readonly #sums = new Float64Array(5);

  count(entry: AccessLogEntry): void {
    const { outcome, method, status, rule, error } = entry;
    this.#outcomes[outcome] += 1;
    const group = Math.trunc(status / 100);
    this.#classes[group] = (this.#classes[group] ?? 0) + 1;
    this.#hierarchy[entry.hierarchy] += 1;
    this.#add(FROM_CLIENT, entry.bytesIn ?? 0);
    this.#add(TO_CLIENT, entry.bytes);
    if (entry.hierarchy !== 'HIER_NONE' && PASSES_ON.has(outcome)) this.#add(FROM_UPSTREAM, entry.bytes);
    if (method === 'CONNECT') {
      this.#add(CONNECTS, 1);
      this.#connects[entry.action === 'allow' ? (entry.tls ?? 'deny') : 'deny'] += 1;
      if (entry.exception) this.#exceptions[entry.exception] += 1;
    } else if (method !== undefined) {
      this.#add(REQUESTS, 1);
      if (outcome !== 'upgraded') this.requestTimes.observe(entry.elapsed);
      if (entry.timings?.firstByte !== undefined) this.firstByteTimes.observe(entry.timings.firstByte);
    }
    if (rule !== undefined) this.#countRule(rule, entry);
    if (entry.confidence !== undefined) this.#confidence[entry.confidence] += 1;
    if (error !== undefined) this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1);
    const refusal = refusalOf(entry);
    if (refusal) this.#refusals.set(refusal, (this.#refusals.get(refusal) ?? 0) + 1);
    this.clients.count(entry);
  }

  read(): Readonly<Record<Filled, Counts>> {
    const [requests = 0, connects = 0, received = 0, sent = 0, upstreamReceived = 0] = this.#sums;
    return {
      transactions: { ...this.#outcomes },
      requests: { request: requests, connect: connects },
      responses: Object.fromEntries(CLASSES.map((name, at) => [name, this.#classes[at] ?? 0] as const)),
      connects: { ...this.#connects },
      rules: Object.fromEntries([...this.#rules].flatMap(([rule, counts]) => ruleCounts(rule, counts))),
      refusals: Object.fromEntries(this.#refusals),
      errors: Object.fromEntries(
        [...this.#errors].map(([code, count]) => [`${ERROR_KINDS[code].side} ${code}`, count] as const),
      ),
      rejections: { ...this.#confidence },
      exceptions: { ...this.#exceptions },
      parents: { ...this.#hierarchy },
      received: { '': received },
      sent: { '': sent },
      upstreamReceived: { '': upstreamReceived },
    };
  }

  #add(at: number, amount: number): void {
    this.#sums[at] = (this.#sums[at] ?? 0) + amount;
  }

  #countRule(rule: string, { action, wouldDeny }: AccessLogEntry): void {
    const known = this.#rules.get(rule) ?? this.#newRule(rule);
    if (action === 'deny') known.deny += 1;
    else if (wouldDeny) known.wouldDeny += 1;
    else known.allow += 1;
  }

  #newRule(rule: string): RuleCounts {
    const name = this.#rules.size < MOST_RULES ? rule : OTHER_RULES;
    const counts = this.#rules.get(name) ?? { allow: 0, deny: 0, wouldDeny: 0 };
    this.#rules.set(name, counts);
    return counts;
  }
}

type Filled =
  | 'transactions'
  | 'requests'
  | 'responses'
  | 'connects'
  | 'rules'
  | 'refusals'
  | 'errors'
  | 'rejections'
  | 'exceptions'
  | 'parents'
  | 'received'
  | 'sent'
  | 'upstreamReceived';

function ruleCounts(rule: string, { allow, deny, wouldDeny }: RuleCounts): [string, number][] {
  return [
    [`allow ${rule}`, allow],
    [`deny ${rule}`, deny],
    [`would_deny ${rule}`, wouldDeny],
  ];
}

/** Why this proxy said no, where it did: what an origin or the network did is no refusal, nor what the client broke off. */
function refusalOf({ outcome, error }: AccessLogEntry): ErrorCode | undefined {
  if (outcome === 'denied' || outcome === 'terminated') return error ?? 'denied';
  if (error === undefined || (outcome !== 'malformed' && outcome !== 'failed')) return undefined;
  return ERROR_KINDS[error].side === 'upstream' || error === 'client-tls' ? undefined : error;
}
