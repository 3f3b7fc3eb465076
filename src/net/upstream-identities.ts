// The client certificates we have for origins: which client's requests to which host go with which, and a TLS context for
// each, apart from the one that all other origins get. Made by proxy.ts; flow/ finds, net/upstream dials with what it finds.

import type { Authority } from '../core/authority.ts';
import { readUpstreamIdentity } from '../pki/upstream-identity.ts';
import { createUpstreamContext, type UpstreamContext } from '../pki/upstream-trust.ts';
import { AddressSet, parseAddressRange } from '../policy/address-set.ts';
import { HostMatcher } from '../policy/host-matcher.ts';
import { parseHostPattern } from '../policy/host-pattern.ts';
import { firstInOrder } from '../policy/in-order.ts';
import { compileEach, type Problem } from '../policy/problem.ts';
import { Client } from '../policy/rule.ts';
import type { ClientCertificateOptions, UpstreamOptions } from './options.ts';

interface Identity {
  readonly index: number;
  readonly clients: AddressSet | undefined;
  /** Stands in the key of a pooled connection, so that no other client's requests get onto it. */
  readonly name: string;
}

type Patterns = Pick<ClientCertificateOptions, 'hosts' | 'clients'>;

/** What is wrong with the patterns, each with its place in the list. */
export function checkClientCertificates(options: readonly Patterns[]): readonly Problem[] {
  return options.flatMap((one, index) => compile(one, index).problems);
}

export class UpstreamIdentities {
  readonly #byHost: HostMatcher<Identity>;
  readonly #contexts: ReadonlyMap<string, UpstreamContext>;

  private constructor(byHost: HostMatcher<Identity>, contexts: ReadonlyMap<string, UpstreamContext>) {
    this.#byHost = byHost;
    this.#contexts = contexts;
  }

  /** Undefined where there are none. Throws ProxyError `identity-unusable` or `trust-unusable`. */
  static async open({
    clientCertificates = [],
    trust,
    crl,
  }: Pick<UpstreamOptions, 'clientCertificates' | 'trust' | 'crl'>): Promise<UpstreamIdentities | undefined> {
    if (clientCertificates.length === 0) return undefined;
    const byHost = new HostMatcher<Identity>();
    const contexts = new Map<string, UpstreamContext>();
    for (const [index, one] of clientCertificates.entries()) {
      const name = `client certificate ${index + 1}`;
      const { hosts, clients } = compile(one, index);
      for (const host of hosts) byHost.add(host, { index, name, clients });
      contexts.set(name, createUpstreamContext(trust, crl, await readUpstreamIdentity(one)));
    }
    return new UpstreamIdentities(byHost, contexts);
  }

  /** The name of the first that fits this client's requests to this origin. */
  nameFor(client: string, authority: Authority): string | undefined {
    const lists = this.#byHost.find(authority);
    if (lists.length === 0) return undefined;
    const subject = new Client(client);
    return firstInOrder(
      lists,
      ({ index }) => index,
      ({ clients }) => clients === undefined || subject.isIn(clients),
    )?.name;
  }

  contextOf(name: string): UpstreamContext | undefined {
    return this.#contexts.get(name);
  }
}

function compile({ hosts, clients }: Patterns, index: number) {
  const problems: Problem[] = [];
  const patterns = compileEach(hosts, parseHostPattern, [index, 'hosts'], problems);
  const ranges = clients && compileEach(clients, parseAddressRange, [index, 'clients'], problems);
  for (const [at, pattern] of hosts.entries()) {
    if (pattern !== '*') continue;
    const message = 'a client certificate is for named hosts: to all others it would say who we are';
    problems.push({ path: [index, 'hosts', at], message, suggestion: 'name the hosts that want it' });
  }
  return { problems, hosts: patterns, clients: ranges && new AddressSet(ranges) };
}
