// What to do about a failure on the way to an origin, where its own sentence does not say it. Called by origin.ts and
// parents.ts.

import type { ErrorCode } from '../../core/errors.ts';

const MENDS: Partial<Readonly<Record<ErrorCode, string>>> = {
  'dns-failed': 'check the spelling; name servers under resolver.servers, single names under resolver.hosts',
  'dns-timeout': 'ask the name servers from here (dig, port 53 open?), or name others under resolver.servers',
  'address-forbidden': 'where it is meant to be reached, open its range under upstream.allowAddresses',
  'connect-failed': 'is the service up, and does a firewall between here and there let this machine through?',
  'connect-timeout':
    'a firewall between here and there seems to swallow it: open it for this machine, or name a parent proxy under upstream.parents',
  'upstream-tls':
    'does it speak TLS at this port at all? Where it does, but in a way of its own, pass it unread (tls: splice)',
  'upstream-certificate': 'where nobody can mend it, pass it unread (tls: splice): the client then judges for itself',
  'upstream-name': 'is it the right name? Where nobody can mend it, pass it unread (tls: splice)',
  'client-cert-required':
    'pass it unread (tls: splice, or onClientCert: splice), or name a certificate under upstream.clientCertificates',
  loop: 'it leads back to this proxy: correct the name, or the route to it',
  'parent-unreachable': 'is the parent proxy up, and does a firewall let this machine through?',
  'parent-timeout': 'a firewall seems to swallow it, or the parent proxy is stuck',
  'parent-tls': 'check its certificate, its trust under upstream.parents, and whether its url should be http://',
  'parent-auth': 'correct user and password of the parent under upstream.parents',
  'parent-refused': 'ask whoever runs the parent proxy to allow it',
  'parent-malformed': 'is it a proxy at all that listens there?',
  'parent-failed': 'ask whoever runs the parent proxy: it could not reach the origin',
};

/** How peers say that they have no version of TLS in common with us. */
const TOO_OLD = /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE/;
/** What an answer that is not TLS looks like to OpenSSL. */
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER|HTTP_REQUEST/;
const UNKNOWN_ROOT = /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY_LEAF/;

/** To be spread into a finding. `detail`: that of the error, which may say more precisely what it is. */
export function mendFor(code: ErrorCode, detail = ''): { readonly mend?: string } {
  const mend = special(code, detail) ?? MENDS[code];
  return mend === undefined ? {} : { mend };
}

function special(code: ErrorCode, detail: string): string | undefined {
  if (code === 'upstream-tls' && TOO_OLD.test(detail))
    return 'it speaks no TLS newer than 1.1: have it brought up to date, or pass it unread (tls: splice)';
  if (code === 'upstream-tls' && NOT_TLS.test(detail))
    return 'what answers there is not TLS: right port? A rule with tls: tunnel lets through what is not TLS';
  if (code === 'upstream-certificate' && UNKNOWN_ROOT.test(detail))
    return 'put the root of whoever issued it into a PEM file under upstream.trust; is it the CA of another proxy that decrypts on the way?';
  return undefined;
}
