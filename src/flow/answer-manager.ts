// Answers a request for one of the reports that Squid's manager gives, to those who may have them. Called by
// flow/answer-request.

import { ProxyError } from '../core/errors.ts';
import type { ManagerTarget } from '../http/manager-target.ts';
import { clientKey } from '../net/client-key.ts';
import type { Errand, Fate } from './answer-request.ts';

/** The reply is written, or else there is an error to show. */
export type ManagerAnswer = { readonly fate: Fate } | { readonly error: ProxyError };

export async function answerManager(errand: Errand, target: ManagerTarget): Promise<ManagerAnswer> {
  const { services, connection, request } = errand;
  const { manager } = services;
  const client = connection.session.client.address;
  const admission = manager.admit(client, target, request.rawHeaders);
  if (typeof admission === 'object') return { error: new ProxyError('denied', admission.why) };
  if (admission === 'password') {
    // Guesses have to take their time.
    await services.passwords.take(clientKey(client));
    write(errand, 401, 'Unauthorized', 'The manager wants a password.\n', [
      'WWW-Authenticate',
      'Basic realm="manager", charset="UTF-8"',
    ]);
    return { fate: { tag: 'TCP_DENIED', outcome: 'denied', status: 401, contentType: TYPE } };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { error: new ProxyError('request-method', 'The manager is asked by GET.') };
  }
  const text = await manager.report(target.report);
  if (text === undefined) {
    write(errand, 404, 'Not Found', 'There is no report of this name; /squid-internal-mgr/menu lists them.\n');
    return { fate: { tag: 'NONE_NONE', outcome: 'malformed', status: 404, contentType: TYPE } };
  }
  write(errand, 200, 'OK', text);
  return { fate: { tag: 'NONE_NONE', outcome: 'answered', status: 200, contentType: TYPE } };
}

const TYPE = 'text/plain;charset=utf-8';

function write(
  { connection, request, reply }: Errand,
  status: number,
  phrase: string,
  text: string,
  fields: readonly string[] = [],
): void {
  const body = Buffer.from(text);
  connection.closing = !request.complete;
  if (connection.closing) reply.last = true;
  const length = String(body.length);
  reply.writeHead(status, phrase, [
    'Content-Type',
    TYPE,
    'Content-Length',
    length,
    'Cache-Control',
    'no-store',
    ...fields,
  ]);
  reply.end(body);
}
