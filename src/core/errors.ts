// The one error type of the proxy. A code says what happened, the side says whose doing it was, the cause is kept.

import { ERROR_KINDS, type ErrorCode, type ErrorKind, type Side } from './error-kinds.ts';
import type { ParentUse } from './hierarchy.ts';

export type { ErrorCode, Side } from './error-kinds.ts';

interface ErrorOptions {
  readonly cause?: unknown;
  readonly peer?: string | undefined;
  readonly parent?: ParentUse | undefined;
}

export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ErrorCode;
  /** What happened in this very case, fit to be shown to the client: never a secret, never a stack. */
  readonly detail: string;
  /** The address of the origin, or of the parent, that was tried in vain. */
  readonly peer: string | undefined;
  /** The parent proxy that `peer` is the address of. */
  readonly parent: ParentUse | undefined;

  constructor(code: ErrorCode, detail = '', options: ErrorOptions = {}) {
    // A refusal is no fault: where in our code it was made helps nobody, and finding that out costs as much as a policy.
    const limit = Error.stackTraceLimit;
    if (code !== 'internal') Error.stackTraceLimit = 0;
    super(detail ? `${ERROR_KINDS[code].sentence} ${detail}` : ERROR_KINDS[code].sentence, { cause: options.cause });
    Error.stackTraceLimit = limit;
    this.code = code;
    this.detail = detail;
    this.peer = options.peer;
    this.parent = options.parent;
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }

  get side(): Side {
    return this.kind.side;
  }

  get status(): number {
    return this.kind.status;
  }
}

/** Any thrown value as a ProxyError: itself, or `code` with the original as cause. */
export function asProxyError(thrown: unknown, code: ErrorCode = 'internal'): ProxyError {
  if (thrown instanceof ProxyError) return thrown;
  return new ProxyError(code, messageOf(thrown), { cause: thrown });
}

/** The message of a thrown value, with Node's error code when it has one; some of Node's errors are a code alone. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (!('code' in thrown) || typeof thrown.code !== 'string' || thrown.message.includes(thrown.code)) {
    return thrown.message;
  }
  return thrown.message ? `${thrown.code}: ${thrown.message}` : thrown.code;
}
