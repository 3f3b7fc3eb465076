// What an answer of our own tells: what was asked, what went wrong or which rule said no, and what would mend it. Made by
// flow/explain; refusal-page.ts and reply.ts put it into words and fields.

import { ERROR_KINDS, type ErrorCode } from '../core/error-kinds.ts';
import type { ProxyError } from '../core/errors.ts';
import { type Place, shownPlace } from '../core/place.ts';
import type { Mend } from '../policy/mend.ts';
import type { Form } from './media.ts';
import type { PageStyle } from './page-style.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly status: number;
  /** One sentence, fit for the client. */
  readonly sentence: string;
  /** What happened in this very case. */
  readonly detail: string;
  /** Name of the rule that decided, where one did. */
  readonly rule: string | undefined;
  /** Squid's name for it. */
  readonly squid: string;
  /** What was asked for, as the log has it. */
  readonly url: string;
  /** Joins the page to the JSON line in the log. */
  readonly id: string;
  /** Value of Proxy-Authenticate, which a 407 has (RFC 9110 section 15.5.8). */
  readonly challenge?: string | undefined;
  /** Where the rule stands. */
  readonly at?: Place | undefined;
  /** What would allow it, all of it together. */
  readonly mends?: readonly Mend[];
  /** What the rule itself has to say, its macros expanded. */
  readonly message?: string | undefined;
  /** Where the rule sends those to whom it denies, ready for Location. */
  readonly location?: string | undefined;
  /** What the client wants to read; HTML, as Squid sends it, where nothing is known of that. */
  readonly form?: Form | undefined;
  readonly asker?: Asker | undefined;
  readonly style?: PageStyle | undefined;
}

/** Who asked, by which request. */
export interface Asker {
  /** Address of the client. */
  readonly client: string;
  /** Known, or nobody. */
  readonly user: string | undefined;
  readonly method: string | undefined;
  readonly httpVersion: string | undefined;
  /** Of the origin. */
  readonly scheme: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string | undefined;
  /** Where the client has reached us. */
  readonly local: { readonly address: string; readonly port: number } | undefined;
  /** The address that was tried in vain. */
  readonly peer: string | undefined;
  /** Values of Accept-Language. */
  readonly languages: readonly string[];
}

export function refusalOf(error: Pick<ProxyError, 'code' | 'detail'>, url: string, id: string, rule?: string): Refusal {
  const { code } = error;
  const { status, sentence, squid } = ERROR_KINDS[code];
  // What a fault of ours says of itself is for the service log only.
  const detail = code === 'internal' ? '' : error.detail;
  return { code, status: status || 502, sentence, detail, rule, squid, url, id };
}

/** `api (sallyport.yaml:42)`. */
export function shownRule({ rule, at }: Pick<Refusal, 'rule' | 'at'>): string | undefined {
  return rule !== undefined && at ? `${rule} (${shownPlace(at)})` : rule;
}
