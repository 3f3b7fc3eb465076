// One parent proxy: dialled and verified as an origin is, asked to open tunnels, and watched for whether it lives. Made by
// net/parents, asked by net/parent-route.

import { type Authority, formatAuthority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { asProxyError, type ErrorCode, ProxyError } from '../core/errors.ts';
import type { ParentCode, ParentUse } from '../core/hierarchy.ts';
import { askParent, type ParentAnswer } from './ask-parent.ts';
import type { ParentHealth } from './parent-health.ts';
import type { Upstream, UpstreamConnection } from './upstream.ts';

export interface ParentParts {
  readonly name: string;
  readonly authority: Authority;
  /** Whether TLS is spoken to it. */
  readonly secure: boolean;
  /** Value of Proxy-Authorization; a secret. */
  readonly authorization?: string | undefined;
  /** What stands for us in Via, behind the version; nothing is sent without it. */
  readonly via?: string | undefined;
  /** Milliseconds for one attempt. */
  readonly timeout: number;
  /** How it is dialled: with a guard that lets pass every address but our own, and its own trust. */
  readonly way: Upstream;
  readonly health: ParentHealth;
}

/** What a connection through a parent has beside one of ours. */
export interface ThroughParent extends ParentUse {
  /** What stands for us in Via towards it. */
  readonly via: string | undefined;
  /** Set where it is the parent that reads the requests, in absolute form. */
  readonly plain?: PlainParent;
}

export interface PlainParent {
  readonly authorization: string | undefined;
  /** Wants to be told how each request went. */
  readonly health: Pick<ParentHealth, 'answered' | 'silent'>;
}

/** Whom the dial of a parent is permitted by: the config. */
const CONFIGURED = {
  action: 'allow',
  step: 'connect',
  rule: 'upstream.parents',
  reason: 'it is configured',
  tls: 'splice',
  deferred: false,
  wouldDeny: false,
} as const satisfies Omit<Permit, 'authority'>;

/** What the failure of a dial is called when it was that of a parent. */
const AS_PARENT: Partial<Readonly<Record<ErrorCode, ErrorCode>>> = {
  'address-forbidden': 'loop',
  'dns-timeout': 'parent-timeout',
  'connect-timeout': 'parent-timeout',
  'upstream-tls': 'parent-tls',
  'upstream-certificate': 'parent-tls',
  'upstream-name': 'parent-tls',
  'client-cert-required': 'parent-tls',
};

/** What we have for origins is for them, and a parent is none. */
const WANTS_CERTIFICATE = 'it goes on only with a client certificate, and this proxy has none for parents';

const MAX_REASON = 100;

export class Parent {
  readonly name: string;
  readonly #parts: ParentParts;

  constructor(parts: ParentParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  get up(): boolean {
    return this.#parts.health.up;
  }

  /** Its addresses. Throws ProxyError. */
  async locate(): Promise<readonly string[]> {
    const { authority, way } = this.#parts;
    return (await way.locate({ ...CONFIGURED, authority })).addresses;
  }

  /** A connection to it, for requests in absolute form. Throws ProxyError. */
  async reach(code: ParentCode): Promise<UpstreamConnection> {
    const { name, via, authorization, health } = this.#parts;
    const { wish: _, ...connection } = await this.#dial({ name, code });
    return { ...connection, parent: { name, code, via, plain: { authorization, health } } };
  }

  /** A tunnel to the authority; what came behind its answer is on the socket. Throws ProxyError. */
  async tunnel(to: Authority, vias: readonly string[], code: ParentCode): Promise<UpstreamConnection> {
    const { name, via, authorization, timeout, health } = this.#parts;
    const begin = performance.now();
    const { wish, ...connection } = await this.#dial({ name, code });
    const target = formatAuthority(to);
    const passed = via ? [...vias, `1.1 ${via}`] : vias;
    const fields = [
      ...(passed.length > 0 ? [`Via: ${passed.join(', ')}`] : []),
      ...(authorization ? [`Proxy-Authorization: ${authorization}`] : []),
    ];
    const words = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, ...fields, '', ''].join('\r\n');
    const left = Math.max(1, timeout - (performance.now() - begin));
    const asked = await askParent(connection.socket, words, left);
    const unwanted = asked.outcome === 'none' && wish?.refusal(false) !== undefined;
    const answer = unwanted ? ({ outcome: 'unwanted' } as const) : asked;
    if (answer.outcome === 'answer') health.answered();
    const failure = this.#failureOf(answer, { name, code }, connection.address);
    if (!failure) return { ...connection, parent: { name, code, via } };
    connection.socket.destroy();
    if (answer.outcome !== 'answer') health.silent(to.host, failure.message);
    throw failure;
  }

  /** Where it is down and it is time: asks in the background whether it is back. Never rejects. */
  async lookAfter(): Promise<void> {
    const { name, authority, timeout, health } = this.#parts;
    if (!health.takeLook()) return;
    try {
      const { socket } = await this.#dial({ name, code: 'FIRSTUP_PARENT' });
      const host = formatAuthority(authority);
      const words = `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n`;
      const { outcome } = await askParent(socket, words, timeout);
      socket.destroy();
      if (outcome === 'answer') health.answered();
    } catch {
      // It is down still, and the health has been told so.
    }
  }

  async #dial(use: ParentUse): Promise<UpstreamConnection> {
    const { authority, secure, way, health } = this.#parts;
    try {
      const route = await way.locate({ ...CONFIGURED, authority });
      return secure ? await way.connectSecurely(route) : await way.connect(route);
    } catch (thrown) {
      const error = asProxyError(thrown);
      if (error.code === 'internal') throw error;
      const { code, detail, peer, cause } = error;
      const said = code === 'client-cert-required' ? WANTS_CERTIFICATE : detail;
      const failure = new ProxyError(AS_PARENT[code] ?? 'parent-unreachable', this.#sentence(said), {
        cause,
        peer,
        parent: use,
      });
      health.failed(failure.message);
      throw failure;
    }
  }

  #failureOf(
    answer: ParentAnswer | { readonly outcome: 'unwanted' },
    use: ParentUse,
    peer: string,
  ): ProxyError | undefined {
    const fail = (code: ErrorCode, what: string): ProxyError =>
      new ProxyError(code, this.#sentence(what), { peer, parent: use });
    if (answer.outcome === 'late') return fail('parent-timeout', 'no answer to CONNECT');
    if (answer.outcome === 'unwanted') return fail('parent-tls', WANTS_CERTIFICATE);
    if (answer.outcome === 'none') return fail('parent-malformed', answer.reason);
    const { status, reason } = answer.head;
    if (status < 300) return undefined;
    const said = `it answered CONNECT with ${status} ${reason}`.slice(0, MAX_REASON).trimEnd();
    if (status === 407) return fail('parent-auth', said);
    return fail(status < 500 ? 'parent-refused' : 'parent-failed', said);
  }

  /** Names the parent, so that nobody looks for the fault at the origin. */
  #sentence(what: string): string {
    return `${this.name} (${formatAuthority(this.#parts.authority)}): ${what.replace(/\.$/, '')}.`;
  }
}
