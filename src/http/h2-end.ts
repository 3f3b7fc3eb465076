// Whether a stream was ended by its other side, or only broken off: node:http2 emits 'end' for both, a reset without an
// error among them, and so would pass the half of a message for the whole. Used for requests and replies alike.

import type { Http2Stream } from 'node:http2';

/** To be called before anything of the body has come; what it gives back says it at any time from 'end' on. */
export function watchEnd(stream: Http2Stream): () => boolean {
  let whole = false;
  const push = stream.push.bind(stream);
  // The end of the body comes through here while the stream is open, any other end when it has been marked as closed.
  const watched = (piece: unknown, encoding?: BufferEncoding): boolean => {
    if (piece === null && !stream.closed && !stream.destroyed) whole = true;
    return push(piece, encoding);
  };
  stream.push = watched;
  return () => whole;
}
