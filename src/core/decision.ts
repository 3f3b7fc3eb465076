// The verdict of the policy on one step, as a value that travels to the dial and to the log. What is not allowed
// cannot be called: dialling takes a Permit, and a Permit names the one authority it is for.

import type { Authority } from './authority.ts';

/** When a decision is taken: on the CONNECT line, on the ClientHello, on the decrypted or plain request. */
export type Step = 'connect' | 'hello' | 'request';

/** Squid's verbs; `tunnel` lets through what is not TLS. */
export type TlsAction = 'bump' | 'splice' | 'terminate' | 'tunnel';

/**
 * How a CONNECT is refused: a 403 to the CONNECT itself, a page served inside a bumped tunnel, or not a word;
 * `authenticate`: a 407, to any request, since the rule that is next wants to know who is asking.
 */
export type RefuseBy = 'connect' | 'page' | 'close' | 'authenticate';

interface Verdict {
  readonly step: Step;
  readonly authority: Authority;
  /** Name of the rule that decided; `default` when none matched. */
  readonly rule: string;
  /** One short sentence for the log and the page. */
  readonly reason: string;
}

export interface Permit extends Verdict {
  readonly action: 'allow';
  readonly tls: TlsAction;
  /** True at the step connect when a URL or method rule has the last word on each request inside. */
  readonly deferred: boolean;
  /** Report mode: enforced, this would have been a denial. */
  readonly wouldDeny: boolean;
  /** At the step connect: a rule decided that names the host, and that looks at nothing inside. */
  readonly byName?: true | undefined;
  /** At the step connect: what may become of a host that goes on only with a client certificate; else refuse. */
  readonly onClientCert?: 'splice' | undefined;
  /** The client certificate that this client's requests to this origin go with, by its name in net/upstream-identities. */
  readonly identity?: string | undefined;
  /** Why it is spliced where its rule says bump. */
  readonly exception?: Exception | undefined;
}

/** `client-cert`: the origin goes on only with the client's own certificate; `pinned`: the client rejects ours. */
export type Exception = 'client-cert' | 'pinned';

export interface Denial extends Verdict {
  readonly action: 'deny';
  readonly refuseBy: RefuseBy;
}

export type Decision = Permit | Denial;
