// Sends answers of our own, for what was refused or failed: to a request, or on a socket that no parser holds. Header fields
// tell the same as the body, for those who never see one. Called by flow/.

import type { Socket } from 'node:net';
import { ERROR_KINDS } from '../core/error-kinds.ts';
import { shownPlace } from '../core/place.ts';
import type { Connection } from './connection.ts';
import { linger } from './linger.ts';
import { MEDIA_TYPES } from './media.ts';
import { headerSafe, proxyStatus } from './proxy-status.ts';
import type { Refusal } from './refusal.ts';
import { type RefusalBody, refusalBody } from './refusal-body.ts';
import type { ReplyPort } from './reply-port.ts';
import { canReply } from './server.ts';
import { statusPhrase } from './status-phrase.ts';

/** Answers a request with a page. */
export function replyPage(reply: ReplyPort, refusal: Refusal, options: { close: boolean }): void {
  const told = refusalBody(refusal);
  const body = Buffer.from(told.body);
  if (options.close) reply.last = true;
  reply.writeHead(refusal.status, statusPhrase(refusal.status), fieldsOf(refusal, told, body.length));
  reply.end(body);
}

/**
 * Answers on a socket that no parser holds: a refused CONNECT, a request that could not be parsed. HTTP clients drop
 * the body of a refused CONNECT, so reason phrase and headers tell the same. Closes the socket; returns the bytes sent.
 */
export function replyRaw(socket: Socket, refusal: Refusal): number {
  if (!canReply(socket)) return 0;
  const told = refusalBody(refusal);
  const { body } = told;
  const length = Buffer.byteLength(body);
  const fields = fieldsOf(refusal, told, length);
  let head = `HTTP/1.1 ${refusal.status} ${reasonPhrase(refusal)}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  head += 'Connection: close\r\n\r\n';
  // Together, and without a buffer of ours. The head is ASCII, and so is a body of as many bytes as characters.
  socket.cork();
  socket.write(head, 'latin1');
  socket.end(body, length === body.length ? 'latin1' : 'utf8');
  linger(socket);
  return head.length + length;
}

/** Answers a CONNECT, whatever it has come on, and ends that. Returns the bytes sent. */
export function replyToConnect({ socket, inlet, answer }: Connection, refusal: Refusal): number {
  if (!answer) {
    // What else comes must be read, or it would take the reply back.
    inlet.drop();
    return replyRaw(socket, refusal);
  }
  const told = refusalBody(refusal);
  const body = Buffer.from(told.body);
  return answer.refuse(refusal.status, fieldsOf(refusal, told, body.length), body);
}

/** As the log has it. */
export function mediaTypeOf({ form = 'html' }: Refusal): string {
  return MEDIA_TYPES[form];
}

/** Characters; libraries print the phrase of a refused CONNECT and nothing else. */
const MOST_OF_PHRASE = 200;
const MOST_OF_DETAILS = 300;
const MOST_OF_NAME = 100;
/** A rule is shown whole or not at all: half of one may allow more. */
const MOST_OF_RULE = 1_500;

function reasonPhrase({ code, status, rule, at, detail, message, sentence }: Refusal): string {
  const phrase = statusPhrase(status);
  // Of an origin or a parent more is to be said than the number says; other phrases are known to clients as they are.
  if (ERROR_KINDS[code].side === 'upstream')
    return headerSafe(`${phrase}: ${sentence.replace(/\.$/, '')}`, MOST_OF_PHRASE);
  if (rule === undefined || code !== 'denied') return phrase;
  const place = at ? ` (${shownPlace(at)})` : '';
  const why = message ?? detail;
  return headerSafe(`Denied by ${rule}${place}${why ? `: ${why}` : ''}`, MOST_OF_PHRASE);
}

function fieldsOf(refusal: Refusal, told: RefusalBody, length: number): string[] {
  const { code, status, squid, rule, at, id, sentence, detail, mends = [], location, style } = refusal;
  const fields = [
    'Content-Type',
    told.type,
    'Content-Length',
    String(length),
    'Cache-Control',
    'no-store',
    'Vary',
    style?.custom?.hasLanguages ? 'Accept, Accept-Language' : 'Accept',
    'X-Content-Type-Options',
    'nosniff',
    // As Squid names it, for the tools that look for it.
    'X-Squid-Error',
    `${squid} 0`,
    'Proxy-Status',
    proxyStatus(style?.proxy ?? 'sallyport', code, `${sentence} ${detail}`.trim(), MOST_OF_DETAILS),
  ];
  // It stands where the origin's own pages stand.
  if (told.isOurs && told.type.startsWith('text/html'))
    fields.push('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
  if (told.language !== undefined) fields.push('Content-Language', told.language);
  if (location !== undefined) fields.push('Location', location);
  if (code === 'client-limit' || code === 'overloaded' || code === 'auth-unavailable')
    fields.push('Retry-After', RETRY_AFTER);
  // RFC 9110 section 15.5.6 wants the methods that are served.
  if (status === 405) fields.push('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT');
  if (refusal.challenge) fields.push('Proxy-Authenticate', refusal.challenge);
  if (rule !== undefined) fields.push('X-Proxy-Denied', headerSafe(rule, MOST_OF_NAME));
  if (at) fields.push('X-Proxy-Rule-At', headerSafe(shownPlace(at), MOST_OF_NAME));
  for (const { line } of mends) if (isField(line)) fields.push('X-Proxy-Allow', line);
  if (id !== '') fields.push('X-Proxy-Request', headerSafe(id, MOST_OF_NAME));
  return fields;
}

const isField = (line: string): boolean => line.length <= MOST_OF_RULE && !/[^\x20-\x7e]/.test(line);

/** Seconds after which a client that found no place may ask again. */
const RETRY_AFTER = '5';
