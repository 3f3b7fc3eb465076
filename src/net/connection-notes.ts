// What only some log formats tell of a connection to an origin, noted while it can be known: both its ends, and whom its
// certificate names. Made by proxy.ts where a log asks for it; upstream.ts notes, flow/journal reads.

import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Endpoint, plainAddress } from '../core/session.ts';

export interface DistinguishedNames {
  /** In one line, `/C=DE/O=Example/CN=origin.test`. */
  readonly subject: string;
  readonly issuer: string;
}

export interface ConnectionFacts {
  readonly serverPort: number | undefined;
  readonly serverLocal: Endpoint | undefined;
  readonly serverNames: DistinguishedNames | undefined;
}

export class ConnectionNotes {
  readonly #notes = new WeakMap<Socket, ConnectionFacts>();

  /** The socket has just been connected, or its peer proven; told again, it adds what is new. */
  note(socket: Socket): void {
    this.#notes.set(socket, this.of(socket));
  }

  /** Also of a socket that has closed, once it was noted. */
  of(socket: Socket): ConnectionFacts {
    const known = this.#notes.get(socket);
    const { remotePort, localPort } = socket;
    const serverLocal =
      localPort === undefined ? undefined : { address: plainAddress(socket.localAddress), port: localPort };
    return {
      serverPort: known?.serverPort ?? remotePort,
      serverLocal: known?.serverLocal ?? serverLocal,
      serverNames:
        known?.serverNames ?? (socket instanceof TLSSocket ? namesOf(socket.getPeerX509Certificate()) : undefined),
    };
  }
}

/** Squid prints them as OpenSSL does in one line. */
export function namesOf(certificate: X509Certificate | undefined): DistinguishedNames | undefined {
  if (!certificate) return undefined;
  const line = (name: string): string => `/${name.replaceAll('\n', '/')}`;
  return { subject: line(certificate.subject), issuer: line(certificate.issuer) };
}
