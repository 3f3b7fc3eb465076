// One transaction as the access log tells it: flat, in Squid's vocabulary, with what only the JSON twin can carry.
// flow/ fills it in, log-format.ts prints it.

import type { Exception, RefuseBy, Step, TlsAction } from '../core/decision.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { HierarchyCode } from '../core/hierarchy.ts';
import type { TlsFacts } from '../core/session.ts';
import type { Particulars } from './particulars.ts';

/** Squid's result tags that this proxy produces (features.md section L); `NONE_NONE` is Squid 5's spelling. */
export type ResultTag = 'NONE_NONE' | 'TCP_MISS' | 'TCP_TUNNEL' | 'TCP_DENIED';

/** In the spelling of older versions, for logs that ask for it. */
export type PrintedTag = ResultTag | 'NONE' | 'TAG_NONE';

/** What became of a transaction, in one word, so that failure never looks like success. */
export type Outcome = (typeof OUTCOMES)[number];

export const OUTCOMES = [
  'bumped',
  'spliced',
  'tunnelled',
  'upgraded',
  'forwarded',
  'answered',
  'denied',
  'terminated',
  'failed',
  'malformed',
  'aborted',
  'timed_out',
  'client_rejected_certificate',
  'no_request',
] as const;

/** How sure we are that the client rejected our certificate (features.md section P). */
export type Confidence = 'certain' | 'likely' | 'suspected';

/** Milliseconds each part of the transaction took; a part that did not happen is absent. */
export interface Timings {
  readonly dns?: number | undefined;
  readonly connect?: number | undefined;
  readonly tls?: number | undefined;
  readonly firstByte?: number | undefined;
}

export interface AccessLogEntry {
  /** End of the transaction, milliseconds since the epoch. */
  readonly time: number;
  /** Whole milliseconds from its begin to its end. */
  readonly elapsed: number;
  readonly client: string;
  readonly tag: ResultTag;
  /** Squid's suffix to the tag. */
  readonly suffix?: 'ABORTED' | 'TIMEDOUT' | undefined;
  /** Status sent to the client; 0 when none was. */
  readonly status: number;
  /** Bytes sent to the client, reply headers included; 0 for a bumped CONNECT. */
  readonly bytes: number;
  readonly method?: string | undefined;
  /** `host:port` for CONNECT, an absolute URL, or `error:…`; raw text, the format escapes it. */
  readonly url: string;
  /** The bytes of its UTF-8, a character for each, as the other fields have what came over the wire. */
  readonly user?: string | undefined;
  readonly hierarchy: HierarchyCode;
  /** Address of the origin, or of the parent, that was dialled. */
  readonly peer?: string | undefined;
  /** Name of the parent proxy that was asked. */
  readonly parent?: string | undefined;
  /** Content-Type of the reply as it was sent, parameters included; the format cuts them. */
  readonly contentType?: string | undefined;
  /** `1.1`; for the common and combined formats. */
  readonly httpVersion?: string | undefined;
  readonly referer?: string | undefined;
  readonly userAgent?: string | undefined;

  readonly outcome: Outcome;
  readonly session: string;
  readonly tunnel?: string | undefined;
  readonly exchange?: string | undefined;
  readonly action?: 'allow' | 'deny' | undefined;
  readonly step?: Step | undefined;
  readonly rule?: string | undefined;
  readonly reason?: string | undefined;
  /** Report mode: enforced, this would have been denied. */
  readonly wouldDeny?: boolean | undefined;
  readonly refuseBy?: RefuseBy | undefined;
  readonly tls?: TlsAction | undefined;
  /** Why it was spliced where its rule says bump. */
  readonly exception?: Exception | undefined;
  readonly error?: ErrorCode | undefined;
  readonly errorDetail?: string | undefined;
  /** TLS alert by which the client refused, as OpenSSL names it. */
  readonly alert?: string | undefined;
  readonly confidence?: Confidence | undefined;
  readonly sni?: string | undefined;
  readonly clientTls?: TlsFacts | undefined;
  readonly upstreamTls?: TlsFacts | undefined;
  /** Bytes received from the client. */
  readonly bytesIn?: number | undefined;
  readonly timings?: Timings | undefined;
  /** What only some formats tell; absent where none of the logs has one of them. */
  readonly more?: Particulars | undefined;
  /** Set where the transaction is not over yet; such an entry is for the JSON twin alone. */
  readonly event?: 'tunnel-open' | 'tunnel-progress' | undefined;
}

/** As a format is given it: with the tag as the log's profile spells it. */
export type PrintedEntry = Omit<AccessLogEntry, 'tag'> & { readonly tag: PrintedTag };
