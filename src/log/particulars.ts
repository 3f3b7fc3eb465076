// What only some formats tell of a transaction: collected where a log has such a format, and never else. flow/journal fills
// it in, layout-codes.ts prints it.

import type { Endpoint } from '../core/session.ts';

/**
 * What a format wants beyond the entry: `ends` (addresses and ports of both connections), `request` and `reply` (their
 * fields and sizes), `hello` (TLS versions of the ClientHello), `certificates` (who the two sides have shown to be).
 */
export type Particular = 'ends' | 'request' | 'reply' | 'hello' | 'certificates';

export interface Names {
  /** Distinguished names in one line. */
  readonly subject: string;
  readonly issuer: string;
}

export interface Particulars {
  readonly clientPort?: number | undefined;
  /** Where the client has come in. */
  readonly local?: Endpoint | undefined;
  readonly serverPort?: number | undefined;
  /** Our end of the connection to the origin, or to the parent. */
  readonly serverLocal?: Endpoint | undefined;
  /** Names and values in turn, in Latin-1, secrets and all: what is printed of them is masked. */
  readonly requestFields?: readonly string[] | undefined;
  /** Bytes of the request line and the fields. */
  readonly requestHead?: number | undefined;
  readonly replyFields?: readonly string[] | undefined;
  readonly replyHead?: number | undefined;
  /** What the origin has said. */
  readonly originStatus?: number | undefined;
  /** Code points of RFC 8446 section 4.2.1. */
  readonly versions?: readonly number[] | undefined;
  readonly clientNames?: Names | undefined;
  readonly serverNames?: Names | undefined;
}
