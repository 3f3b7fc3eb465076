// Takes the PROXY header off a connection, so that the client it tells of is the client for everything that follows. One
// for each listener that has `proxyProtocol`; called by flow/enter.

import { ProxyError } from '../core/errors.ts';
import type { Endpoint } from '../core/session.ts';
import { TrustedSources } from '../policy/trusted-sources.ts';
import { MAX_PROXY_HEADER, type ProxyHeaderReading, readProxyHeader } from '../wire/proxy-header.ts';
import type { Inlet } from './inlet.ts';
import type { ProxyProtocolOptions } from './options.ts';
import { peek } from './peek.ts';

export type Fronted =
  /** Without `client`: whoever dialled us is the client. */
  | { readonly kind: 'in'; readonly client?: Endpoint }
  /** It ended before it had said anything. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly error: ProxyError };

export class ProxyHeaders {
  readonly #trusted: TrustedSources;
  readonly #most: number;
  #trusting = 0;
  #doubting = 0;

  /** `most`: connections that are looked at here at a time; they have no place yet, but a descriptor each. */
  constructor({ from }: ProxyProtocolOptions, most: number) {
    this.#trusted = new TrustedSources(from);
    this.#most = Math.ceil(most / 2);
  }

  /**
   * From a trusted source (`peer`) a header is required, and taken off the inlet; from any other it is refused.
   * `timeout` in milliseconds. Nobody reads the inlet then; whatever comes out, its socket is not closed. Never rejects.
   */
  async take(inlet: Inlet, peer: string, timeout: number): Promise<Fronted> {
    // One that was reset meanwhile, as by a health check, has no address any more.
    if (peer === '') return { kind: 'gone' };
    if (!this.#trusted.has(peer)) return this.#doubt(inlet, timeout);
    if (this.#trusting >= this.#most) return { kind: 'refused', error: new ProxyError('overloaded') };
    this.#trusting += 1;
    const fronted = await takeHeader(inlet, timeout);
    this.#trusting -= 1;
    return fronted;
  }

  /** Apart from the others, so that strangers who say nothing keep nobody out. */
  async #doubt(inlet: Inlet, timeout: number): Promise<Fronted> {
    // To the parser a header is no request: it is refused there too, only with less said about it.
    if (this.#doubting >= this.#most) return { kind: 'in' };
    this.#doubting += 1;
    const fronted = await refuseHeader(inlet, timeout);
    this.#doubting -= 1;
    return fronted;
  }
}

async function takeHeader(inlet: Inlet, timeout: number): Promise<Fronted> {
  const peeked = await peek<Exclude<ProxyHeaderReading, { state: 'more' }>>(
    inlet,
    (bytes) => {
      const reading = readProxyHeader(bytes);
      return reading.state === 'more' ? { more: true, atLeast: reading.atLeast } : { more: false, value: reading };
    },
    { timeout, ceiling: MAX_PROXY_HEADER },
  );
  if (peeked.seen === 'timeout') return refused('It did not arrive in time.');
  if (peeked.seen !== 'value') return peeked.bytes === 0 ? { kind: 'gone' } : refused('It was cut short.');
  const reading = peeked.value;
  if (reading.state === 'none')
    return refused('The connection begins without one, though its source is a trusted one.');
  if (reading.state === 'malformed') return refused(`It is malformed: ${reading.reason}.`);
  inlet.skip(reading.length);
  return { kind: 'in', ...(reading.header ? { client: reading.header.source } : {}) };
}

async function refuseHeader(inlet: Inlet, timeout: number): Promise<Fronted> {
  const peeked = await peek<'none' | 'header'>(
    inlet,
    (bytes) => {
      const reading = readProxyHeader(bytes);
      if (reading.state === 'more') return { more: true, atLeast: bytes.length + 1 };
      return { more: false, value: reading.state === 'none' ? 'none' : 'header' };
    },
    { timeout, ceiling: MAX_PROXY_HEADER },
  );
  // What came is looked at again, by those whose line it is.
  if (peeked.seen !== 'value' || peeked.value === 'none') return { kind: 'in' };
  return refused('Its source is not a trusted one.');
}

function refused(detail: string): Fronted {
  return { kind: 'refused', error: new ProxyError('proxy-header', detail) };
}
