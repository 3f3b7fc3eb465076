// The world the outcome scenarios play in: origins on loopback, good and bad ones, their names, and the rules that decide
// about them. The same world serves any proxy.

import { EventEmitter, once } from 'node:events';
import type { RequestListener } from 'node:http';
import type { RuleOptions } from '../../src/policy/policy.ts';
import { httpOrigin, httpsOrigin, type Origin } from './origin.ts';
import { TestCa } from './test-ca.ts';

export interface OutcomeWorld {
  /** PEM of the root that vouches for the good origins, and its file. */
  readonly originRoot: string;
  readonly trust: string;
  /** Name → address. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly rules: readonly RuleOptions[];
  /** `host:port` of an origin by its name. */
  authority(name: OutcomeHost): string;
  /** Resolves when an origin gets a request for this path, from now on. */
  requested(path: string): Promise<unknown>;
  close(): Promise<void>;
}

const BUMPED = ['good.test', 'expired.test', 'selfsigned.test', 'wrongname.test', 'refused.test'] as const;
const SPLICED = ['splice.test', 'refused-splice.test'] as const;
const PLAIN = ['plain.test', 'refused-plain.test'] as const;
const DENIED = ['denied.test'] as const;
const DENIED_BY_PAGE = ['denied-page.test'] as const;
const TERMINATED = ['terminate.test'] as const;
const NAMES = [...BUMPED, ...SPLICED, ...PLAIN, ...DENIED, ...DENIED_BY_PAGE, ...TERMINATED];

export type OutcomeHost = (typeof NAMES)[number];

/** Half a body, so that a client can go away within it. */
export const STREAM_PATH = '/stream';
/** Answered by a 204. */
export const BARE_PATH = '/bare';
/** Never answered. */
export const SILENT_PATH = '/silent';
/** Denied by a rule on the URL. */
export const PRIVATE_PATH = '/private/x';

export async function openOutcomeWorld(): Promise<OutcomeWorld> {
  const ca = new TestCa('Outcomes Root');
  const events = new EventEmitter();
  const hosts = Object.fromEntries(NAMES.map((name, index) => [name, `127.0.0.${index + 2}`]));
  const at = (name: OutcomeHost): string => hosts[name] ?? '';
  const handler: RequestListener = (request, response) => {
    const path = request.url ?? '';
    events.emit(path);
    if (path === SILENT_PATH) return;
    if (path === BARE_PATH) {
      response.writeHead(204).end();
      return;
    }
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    if (path === STREAM_PATH) response.writeHead(200, { 'Content-Length': '1000000' }).write('x'.repeat(1000));
    else response.end('hello\n');
  };
  const good = ca.leaf({ san: 'DNS:good.test' });
  const origins: [OutcomeHost, Origin][] = [
    ['good.test', await httpsOrigin(good, handler, at('good.test'))],
    ['splice.test', await httpsOrigin(ca.leaf({ san: 'DNS:splice.test' }), handler, at('splice.test'))],
    ['wrongname.test', await httpsOrigin(good, handler, at('wrongname.test'))],
    ['selfsigned.test', await httpsOrigin(ca.selfSigned('DNS:selfsigned.test'), handler, at('selfsigned.test'))],
    [
      'expired.test',
      await httpsOrigin(ca.leaf({ san: 'DNS:expired.test', notAfter: '20210101000000Z' }), handler, at('expired.test')),
    ],
    ['plain.test', await httpOrigin(handler, at('plain.test'))],
  ];
  const closed = await httpOrigin(handler, '127.0.0.1');
  await closed.close();
  const ports = new Map(origins.map(([name, origin]) => [name, origin.port]));
  const authority = (name: OutcomeHost): string => `${name}:${ports.get(name) ?? closed.port}`;

  return {
    originRoot: ca.root,
    trust: ca.rootFile,
    hosts,
    rules: [
      { name: 'private', urls: [`https://${authority('good.test')}/private/**`], action: 'deny' },
      { name: 'bumped', hosts: BUMPED, action: 'allow', tls: 'bump' },
      { name: 'spliced', hosts: SPLICED, action: 'allow', tls: 'splice' },
      { name: 'plain', hosts: PLAIN, action: 'allow' },
      { name: 'terminated', hosts: TERMINATED, action: 'allow', tls: 'terminate' },
      { name: 'denied', hosts: DENIED, action: 'deny', refuse: 'connect' },
      { name: 'denied-page', hosts: DENIED_BY_PAGE, action: 'deny', refuse: 'page' },
    ],
    authority,
    requested: (path) => once(events, path),
    close: async () => {
      await Promise.all(origins.map(([, origin]) => origin.close()));
    },
  };
}
