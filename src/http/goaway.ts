// Ends a connection on which HTTP/2 was chosen before anything is asked on it: by a GOAWAY that says why, since an answer in
// the words of HTTP/1 would be no frame there (RFC 9113 section 3.4). Called by flow/know-certificate.

import type { Socket } from 'node:net';
import { linger } from './linger.ts';
import { headerSafe } from './proxy-status.ts';
import type { Refusal } from './refusal.ts';
import { canReply } from './server.ts';

/** RFC 9113 section 6: the types of the two frames, and the bytes before the payload of each. */
const SETTINGS = 4;
const GOAWAY = 7;
const HEAD = 9;
/** RFC 9113 section 7: who it is with is not proven as well as it has to be. */
const INADEQUATE_SECURITY = 12;
/** Of debug data. */
const MOST = 500;

/** On a socket that nothing was written to since its handshake. Closes it; returns the bytes sent. */
export function replyGoaway(socket: Socket, { code, sentence, detail }: Refusal): number {
  if (!canReply(socket)) return 0;
  const why = Buffer.from(headerSafe(`${code}: ${sentence} ${detail}`.trim(), MOST), 'latin1');
  const bytes = Buffer.alloc(2 * HEAD + 8 + why.length);
  // The first frame of a server is one of settings, which may be empty.
  bytes.writeUInt8(SETTINGS, 3);
  bytes.writeUIntBE(8 + why.length, HEAD, 3);
  bytes.writeUInt8(GOAWAY, HEAD + 3);
  // Behind the number of its stream and that of the last we looked at, which are both none.
  bytes.writeUInt32BE(INADEQUATE_SECURITY, 2 * HEAD + 4);
  why.copy(bytes, 2 * HEAD + 8);
  socket.end(bytes);
  linger(socket);
  return bytes.length;
}
