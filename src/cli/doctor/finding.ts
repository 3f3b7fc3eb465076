// What one check of the doctor has found, and how a check is run so that it always ends. Every check makes findings;
// doctor.ts prints them.

import { asProxyError, messageOf, type ProxyError } from '../../core/errors.ts';

/** `skipped`: it could not be looked at, since something before it failed. */
export type State = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly state: State;
  /** One sentence without its full stop. */
  readonly reason: string;
  /** What to do about it, as an imperative. */
  readonly mend?: string;
}

export type Findings = Finding | readonly Finding[];

/** Milliseconds that a check of this machine alone may take: a disk that hangs, a share that is gone. */
export const PATIENCE = 10_000;

/** The findings, or one that says why there are none. Never rejects, and never lasts longer than `milliseconds`. */
export async function examine(
  check: string,
  look: () => Promise<Findings> | Findings,
  milliseconds = PATIENCE,
): Promise<readonly Finding[]> {
  const late = Promise.withResolvers<Finding>();
  const timer = setTimeout(
    () => late.resolve({ check, state: 'failed', reason: `no end of this check within ${milliseconds / 1000} s` }),
    milliseconds,
  );
  try {
    const found = await Promise.race([Promise.resolve().then(look), late.promise]);
    return 'check' in found ? [found] : found;
  } catch (thrown) {
    return [failed(check, asProxyError(thrown))];
  } finally {
    clearTimeout(timer);
  }
}

/** The error as a finding; its own words mostly say what to do as well. */
export function failed(check: string, error: ProxyError, mend?: string): Finding {
  const { code, detail, cause } = error;
  // What our rooms throw is told by them; anything else is told by the system.
  const reason = code === 'internal' ? messageOf(cause ?? error) : detail || error.message;
  return { check, state: 'failed', reason: plain(reason), ...(mend === undefined ? {} : { mend }) };
}

/** One line, without the full stop at its end. */
export function plain(sentence: string): string {
  return sentence
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
}
