// The shape of a config file: every key it may hold, and what is meant where a key is left out (DESIGN section 5).
// parse-config.ts reads files by it; the tests compare its defaults with the design.

import * as z from 'zod';
import { DEFAULT_SHARES, DEFAULT_WAITS, type Shares, type Waits } from '../core/limits.ts';
import { adminSchema } from './admin-schema.ts';
import { authSchema } from './auth-schema.ts';
import {
  address,
  choice,
  duration,
  expected,
  hostName,
  hostNameText,
  integer,
  listOf,
  nameServer,
  parentName,
  parentUrl,
  path,
  port,
  pseudonym,
  redirect,
  secret,
  section,
  someOf,
  userName,
  words,
} from './fields.ts';
import { logSchema } from './log-schema.ts';

const text = z.string({ error: expected('text') });
const tlsAction = choice(['bump', 'splice', 'terminate', 'tunnel']);
const refuseBy = choice(['connect', 'page']);
const yesOrNo = z.boolean({ error: expected('true or false') });
const onClientCert = choice(['refuse', 'splice']);
const ports = listOf(
  z.union([z.int(), z.string()], { error: expected('a port such as 443 or a range such as 8000-8999') }),
  'ports',
);

/** A check that no item equals an earlier one; `keyOf` undefined equals nothing. */
const distinct =
  <T>(keyOf: (item: T) => string | undefined, message: string) =>
  (items: readonly T[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    items.forEach((item, index) => {
      const key = keyOf(item);
      if (key !== undefined && seen.has(key)) context.addIssue({ code: 'custom', path: [index], message });
      else if (key !== undefined) seen.add(key);
    });
  };

const originPort = (usual: number) => integer('a port', 1, 65_535).default(usual);
const transparent = z
  .union([z.boolean(), section({ httpsPort: originPort(443), httpPort: originPort(80) })], {
    error: expected('true, or keys and values'),
  })
  .transform((value) => (value === true ? { httpsPort: 443, httpPort: 80 } : value || undefined))
  .optional();

const listen = someOf(
  section({
    address: address.default('0.0.0.0'),
    port: port.default(3128),
    names: listOf(hostName, 'host names').default([]),
    proxyProtocol: section({ from: someOf(text, 'addresses and ranges') }).optional(),
    transparent,
  }),
  'listeners',
)
  .superRefine(
    distinct(
      (one) => (one.port === 0 ? undefined : `${one.address} ${one.port}`),
      'another listener has this address and port',
    ),
  )
  .prefault([{}]);

/** A certificate with the key of another would only be found out at start. */
const ca = section({
  cert: path.optional(),
  key: path.optional(),
  passphraseFile: path.exactOptional(),
  previous: path.exactOptional(),
})
  .superRefine(({ cert, key }, context) => {
    if ((cert === undefined) === (key === undefined)) return;
    const [there, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    context.addIssue({ code: 'custom', path: [missing], message: `is missing: ${there} and ${missing} go together` });
  })
  .transform(({ cert = 'certs/ca.pem', key = 'certs/ca-key.pem', ...rest }) => ({ cert, key, ...rest }))
  .prefault({});

const clientCertificate = section({
  hosts: someOf(text, 'host patterns'),
  clients: someOf(text, 'client addresses and ranges').exactOptional(),
  cert: path,
  key: path,
  passphraseFile: path.exactOptional(),
});

/** One attempt may take as long as the parent needs to find and reach the origin. */
const PARENT_TIMEOUT = 15_000;

const parent = section({
  name: parentName,
  url: parentUrl,
  user: userName.exactOptional(),
  password: secret.exactOptional(),
  passwordFile: path.exactOptional(),
  trust: someOf(path, 'trusted roots').exactOptional(),
  timeout: duration(1).default(PARENT_TIMEOUT),
}).superRefine(({ user, password, passwordFile, url, trust }, context) => {
  const issue = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
  const given = password !== undefined || passwordFile !== undefined;
  if (password !== undefined && passwordFile !== undefined)
    issue('password', 'there is a passwordFile too: leave one of them out');
  if (given && user === undefined) issue('user', 'is missing: a password goes with a user');
  if (!given && user !== undefined) issue('passwordFile', 'is missing: a user goes with a password');
  if (trust && !url.secure) issue('trust', 'is for a parent with an https:// url: over http:// nothing is verified');
});

const route = section({
  hosts: someOf(text, 'host patterns').exactOptional(),
  via: someOf(text, 'parents'),
  choose: choice(['inOrder', 'roundRobin']).default('inOrder'),
});

const upstream = section({
  trust: someOf(path, 'trusted roots').default(['system']),
  crl: listOf(path, 'revocation lists').default([]),
  allowAddresses: listOf(text, 'addresses and ranges').default([]),
  clientCertificates: listOf(clientCertificate, 'client certificates').default([]),
  parents: listOf(parent, 'parents').default([]),
  routes: listOf(route, 'routes').default([]),
}).prefault({});

const hosts = z
  .record(
    z.string().superRefine((key, context) => {
      const host = hostNameText(key);
      if (!host.ok) context.addIssue({ code: 'custom', message: host.reason });
    }),
    z.union([address, someOf(address, 'addresses')], { error: expected('an IP address or a list of them') }),
    { error: expected('host names, each with its address') },
  )
  .transform((entries, context) => {
    // Without a prototype, so that a look-up of `constructor` finds nothing.
    const canonical: Record<string, string | string[]> = Object.create(null);
    for (const [key, value] of Object.entries(entries)) {
      const host = hostNameText(key);
      if (!host.ok) continue;
      if (host.value in canonical) {
        const message = 'this name is set twice, in two spellings';
        context.issues.push({ code: 'custom', input: value, path: [key], message });
      }
      canonical[host.value] = value;
    }
    return canonical;
  })
  .prefault({});

const resolver = section({
  servers: listOf(nameServer, 'name servers').default([]),
  hosts,
  maxTtl: duration(0).default(300_000),
}).prefault({});

/** Characters of what a rule tells whoever it denies, and of whom they may ask. */
const MAX_MESSAGE = 1_000;
const MAX_CONTACT = 200;

/** What the patterns mean is judged by policy/. */
export const ruleSchema = section({
  name: z.string({ error: expected('a name') }),
  scheme: choice(['http', 'https', 'connect']).exactOptional(),
  clients: listOf(text, 'client addresses and ranges').exactOptional(),
  users: listOf(text, 'user names').exactOptional(),
  groups: listOf(text, 'group names').exactOptional(),
  authenticated: z.literal(true, { error: expected('true, or no such key') }).exactOptional(),
  hosts: listOf(text, 'host patterns').exactOptional(),
  urls: listOf(text, 'URL patterns').exactOptional(),
  methods: listOf(text, 'methods').exactOptional(),
  ports: ports.exactOptional(),
  upgrades: listOf(text, 'protocols').exactOptional(),
  action: choice(['allow', 'deny']),
  tls: tlsAction.exactOptional(),
  refuse: refuseBy.exactOptional(),
  onClientCert: onClientCert.exactOptional(),
  message: words(MAX_MESSAGE).exactOptional(),
  redirect: redirect.exactOptional(),
});

const tls = section({
  default: tlsAction.default('bump'),
  http2: yesOrNo.default(true),
  onClientCert: onClientCert.default('refuse'),
  onReject: choice(['off', 'suggest', 'splice']).default('suggest'),
  exceptions: path.default('state/exceptions.json'),
}).prefault({});

const policy = section({
  mode: choice(['enforce', 'report']).default('enforce'),
  default: choice(['deny', 'allow']).default('deny'),
  connectPorts: ports.default([443]),
  httpPorts: ports.default([80, 443, '1025-65535']),
  refuse: refuseBy.default('connect'),
  upgrades: listOf(text, 'protocols').default(['websocket']),
  onReload: choice(['keep', 'recheck', 'cut']).default('keep'),
  rules: listOf(ruleSchema, 'rules').default([]),
}).prefault({});

const wait = (limit: keyof Waits) => duration(1).default(DEFAULT_WAITS[limit]);
const share = (limit: Exclude<keyof Shares, 'connections'>, least = 1) =>
  integer('a number', least, MOST).default(DEFAULT_SHARES[limit]);
/** Above what any machine has descriptors for. */
const MOST = 1_000_000;

const limits = section({
  headerTimeout: wait('headerTimeout'),
  handshakeTimeout: wait('handshakeTimeout'),
  connectTimeout: wait('connectTimeout'),
  responseTimeout: wait('responseTimeout'),
  bodyTimeout: wait('bodyTimeout'),
  keepAliveTimeout: wait('keepAliveTimeout'),
  tunnelIdleTimeout: wait('tunnelIdleTimeout'),
  drainTimeout: wait('drainTimeout'),
  connections: z
    .union([z.literal('auto'), integer('a number', 1, MOST)], { error: expected(`auto or a number from 1 to ${MOST}`) })
    .default(DEFAULT_SHARES.connections),
  connectionsPerClient: share('connectionsPerClient'),
  handshakesPerClient: share('handshakesPerClient'),
  mintsPerClient: share('mintsPerClient'),
  passwordsPerClient: share('passwordsPerClient'),
  idleConnections: share('idleConnections', 0),
  idlePerOrigin: share('idlePerOrigin', 0),
  slowestBody: share('slowestBody', 0),
}).prefault({});

const version = z.literal(1, {
  error: ({ input }) =>
    input === undefined
      ? 'is missing: a config begins with "version: 1"'
      : expected('1, the one version there is')({ input }),
});

export const configSchema = section({
  version,
  listen,
  workers: z
    .union([z.literal('auto'), integer('a number', 1, 256)], { error: expected('auto or a number from 1 to 256') })
    .default('auto'),
  admin: adminSchema,
  ca,
  auth: authSchema.exactOptional(),
  upstream,
  resolver,
  // Not default(): that would take the undefined of `off` for an absent key.
  via: pseudonym.prefault('sallyport'),
  tls,
  policy,
  contact: words(MAX_CONTACT).exactOptional(),
  pages: path.exactOptional(),
  log: logSchema,
  limits,
});

export type ConfigInput = z.output<typeof configSchema>;
