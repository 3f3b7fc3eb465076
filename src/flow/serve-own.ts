// What the proxy answers itself: the self-test host, and requests that came to its own port instead of through it.
// Called by flow/open-tunnel (is this host ours?) and flow/serve-request.

import type { Authority } from '../core/authority.ts';
import type { Permit } from '../core/decision.ts';
import { plainAddress } from '../core/session.ts';
import type { RequestTarget } from '../core/target.ts';
import { valuesOf } from '../http/admission.ts';
import type { Connection } from '../http/connection.ts';
import { OWN_HOST, type OwnPage } from '../http/own-pages.ts';
import type { ReplyPort } from '../http/reply-port.ts';
import type { Request } from '../http/request.ts';
import type { Services } from './services.ts';

export function isOwnHost(authority: Authority): boolean {
  return authority.host === OWN_HOST;
}

/** The self-test host is allowed whatever the policy. */
export function ownPermit(authority: Authority): Permit {
  const reason = 'the self-test host is answered by the proxy itself';
  const verdict = { step: 'connect', authority, rule: OWN_HOST, reason } as const;
  return { ...verdict, action: 'allow', tls: 'bump', deferred: false, wouldDeny: false };
}

/** The page that a request for us asks for: a path on our own port, or a URL below the self-test host. */
export function ownPage(
  services: Services,
  connection: Connection,
  request: Request,
  asked: string | RequestTarget,
): OwnPage | undefined {
  const proxy = proxyAddress(connection, request);
  if (typeof asked === 'string') return services.pages.page(asked, proxy);
  if (asked.path === '/') return services.pages.selfTest(connection.session, connection.tunnel);
  return services.pages.page(asked.path, proxy);
}

/** `close`: the connection is not to be used again. */
export function serveOwn(reply: ReplyPort, page: OwnPage, { close }: { close: boolean }): void {
  if (close) reply.last = true;
  reply.writeHead(200, 'OK', [
    'Content-Type',
    page.type,
    'Content-Length',
    String(page.body.length),
    'Cache-Control',
    'no-store',
    ...(page.file ? ['Content-Disposition', `attachment; filename="${page.file}"`] : []),
  ]);
  reply.end(page.body);
}

/** Our own address as the client spelled it, or else as it reached us. */
function proxyAddress({ carrier, socket }: Connection, request: Request): string {
  const { localAddress, localPort: port } = carrier ?? socket;
  const address = plainAddress(localAddress);
  const host = valuesOf(request.rawHeaders, 'host')[0];
  const known = host !== undefined && host !== OWN_HOST && /^[\w.:[\]-]{1,255}$/.test(host);
  return known ? host : `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
