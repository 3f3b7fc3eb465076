// Collects what only some log formats tell of a transaction, where a log has such a format. Called by journal.ts.

import type { Session, Tunnel } from '../core/session.ts';
import type { Particulars } from '../log/particulars.ts';
import type { ConnectionNotes } from '../net/connection-notes.ts';
import type { UpstreamConnection } from '../net/upstream.ts';
import type { RequestHead } from '../wire/http-head.ts';

/** The messages of a transaction, as its stage has them. */
export interface Message {
  readonly request?: RequestHead | undefined;
  /** The reply of the origin, as it went on to the client. */
  readonly answer?: { readonly status: number; readonly fields: readonly string[] | undefined } | undefined;
  /** Bytes of the header that the client got. */
  readonly replyHead?: number | undefined;
}

interface Transaction extends Message {
  readonly by: Session;
  readonly inside?: Tunnel | undefined;
  readonly upstream?: Partial<Pick<UpstreamConnection, 'socket'>> | undefined;
}

export function particularsOf(of: Transaction, notes: ConnectionNotes | undefined): Particulars {
  const { by, inside, request, answer, replyHead, upstream } = of;
  return {
    clientPort: by.client.port,
    local: by.local,
    ...(upstream?.socket && notes?.of(upstream.socket)),
    requestFields: request?.rawHeaders,
    requestHead: request && headSize(request),
    replyFields: answer?.fields,
    replyHead,
    originStatus: answer?.status,
    versions: inside?.versions,
    clientNames: by.names,
  };
}

/** As it is usually written, with one space behind each colon. */
function headSize({ method, url, httpVersion, rawHeaders }: RequestHead): number {
  let size = method.length + url.length + `  HTTP/${httpVersion}\r\n\r\n`.length;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    size += (rawHeaders[at]?.length ?? 0) + (rawHeaders[at + 1]?.length ?? 0) + ': \r\n'.length;
  }
  return size;
}
