// Says how the body of an origin's reply is framed, or what keeps the reply from being passed on: what the client or the
// next exchange could read in another way (RFC 9112 section 6.3). Pure; called by lane.ts.

import type { Parsed } from '../core/authority.ts';
import type { BodyFraming } from '../wire/http-body.ts';
import type { ReplyHead } from '../wire/http-head.ts';
import { MAX_FIELDS, valuesOf } from './admission.ts';

/** `method`: of the request. An interim reply has no body. */
export function replyFraming({ status, httpVersion, rawHeaders }: ReplyHead, method: string): Parsed<BodyFraming> {
  const bad = (reason: string): Parsed<never> => ({ ok: false, reason });
  if (status === 101) return bad('A change of protocol that nobody asked for.');
  if (rawHeaders.length / 2 > MAX_FIELDS) return bad(`More than ${MAX_FIELDS} fields.`);
  const encodings = valuesOf(rawHeaders, 'transfer-encoding');
  const lengths = valuesOf(rawHeaders, 'content-length');
  if (encodings.length > 0) {
    if (httpVersion === '1.0') return bad('Transfer-Encoding in HTTP/1.0.');
    if (lengths.length > 0) return bad('Content-Length beside Transfer-Encoding.');
    if (encodings.length > 1 || encodings[0]?.toLowerCase() !== 'chunked') {
      return bad('Transfer-Encoding is not chunked.');
    }
  }
  if (lengths.length > 1) return bad('More than one Content-Length.');
  const [length] = lengths;
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return bad('Malformed Content-Length.');
  if (method === 'HEAD' || status < 200 || isEmpty(status) || status === 304) return { ok: true, value: 'none' };
  if (encodings.length > 0) return { ok: true, value: 'chunked' };
  if (length === undefined) return { ok: true, value: 'until close' };
  return { ok: true, value: Number(length) === 0 ? 'none' : Number(length) };
}

/** Whether the status leaves no room for content, whatever the fields say (RFC 9110 sections 15.3.5 and 15.3.6). */
export function isEmpty(status: number): boolean {
  return status === 204 || status === 205;
}

/**
 * Whether an origin announces content where there is none to be: it may send it all the same, and whoever had the
 * connection next would get it. A 205 has to say that it is empty, or it ends with the connection.
 */
export function announcesTooMuch({ status, rawHeaders }: ReplyHead): boolean {
  if (!isEmpty(status)) return false;
  const [length] = valuesOf(rawHeaders, 'content-length');
  if (length === undefined) return status === 205 || valuesOf(rawHeaders, 'transfer-encoding').length > 0;
  return Number(length) > 0;
}
