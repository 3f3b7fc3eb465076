// `http_port` and `https_port`: where clients come in, and the authority whose certificates they see.

import { networkInterfaces } from 'node:os';
import { parseAddress } from '../policy/address-set.ts';
import type { Value } from './draft.ts';
import type { Directive } from './read-conf.ts';
import { type Desk, optionsOf, texts } from './translator.ts';

export interface Listeners {
  readonly ports: readonly number[];
  /** Of `name=`, or else as the line has its place, as Squid calls them. */
  readonly names: readonly string[];
  /** Whether any of them decrypts. */
  readonly bumps: boolean;
}

const NEEDED = new Set([
  'ssl-bump',
  'cert',
  'key',
  'tls-cert',
  'tls-key',
  'intercept',
  'transparent',
  'tproxy',
  'require-proxy-header',
  'generate-host-certificates',
  'dynamic_cert_mem_cache_size',
  'name',
  'tls-default-ca',
  'no-connection-auth',
  'connection-auth',
  'disable-pmtu-discovery',
  'tcpkeepalive',
  'worker-queues',
  'tls-no-npn',
  'protocol',
  'ipv4',
  'defaultsite',
]);

export function readListeners(lines: readonly Directive[], proxyFrom: readonly Directive[], desk: Desk): Listeners {
  const ports: number[] = [];
  const names: string[] = [];
  const plain: Directive[] = [];
  let bumps = false;
  for (const line of lines) {
    const [where = '', ...words] = texts(line);
    const options = optionsOf(words);
    const place = placeOf(where, options.has('ipv4') ? '0.0.0.0' : everyAddress());
    if (!place) {
      desk.notes.tell(line, 'unknown', `"${where}" is neither a port nor an address with a port`, 'correct it');
      continue;
    }
    if (options.has('accel') || options.has('vhost') || options.has('defaultsite')) {
      desk.notes.tell(
        line,
        'lost',
        'it makes Squid a server in front of origins of its own, which this proxy is not',
        'put a reverse proxy there',
      );
      continue;
    }
    ports.push(place.port);
    names.push(options.get('name') || where);
    if (options.has('ssl-bump')) bumps = true;
    // What is redirected to it from port 80 has no TLS.
    else if (!['intercept', 'transparent', 'tproxy'].some((one) => options.has(one))) plain.push(line);
    desk.draft.add('listen', '', listenerOf(place, line, options, proxyFrom, desk), [line]);
    authorityOf(line, options, desk);
    for (const option of options.keys()) {
      if (NEEDED.has(option)) continue;
      desk.notes.tell(
        line,
        'differs',
        `"${option}" is left out: TLS to clients is 1.2 or 1.3 with the suites of today`,
        '',
      );
    }
  }
  for (const line of bumps ? plain : [])
    desk.notes.tell(
      line,
      'unsafe',
      'what comes in here is decrypted too, by the ssl_bump lines: rules are the same for all listeners',
      'run a second proxy, without "ssl-bump", for those who are not to be decrypted, or pass them unread by their addresses: { clients: [RANGE], action: allow, tls: splice }',
    );
  const [first] = lines;
  if (!first) {
    desk.draft.add('listen', '', { address: everyAddress(), port: 3128 }, []);
    ports.push(3128);
    names.push('3128');
  } else if (ports.length === 0) {
    const message = 'no listener is left: each of these lines is for something that this proxy is not';
    desk.problems.push({ file: first.file, line: first.line, message });
  }
  return { ports, names, bumps };
}

interface Listening {
  readonly address: string;
  readonly port: number;
}

/** `3128`, `10.0.0.1:3128`, `[::1]:3128`; a name is looked up by nobody here. */
function placeOf(text: string, everywhere: string): Listening | undefined {
  const [, bracketed, plain, port = ''] = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  if (port === '' || Number(port) > 65_535 || (address !== '' && parseAddress(address) === undefined)) return undefined;
  return { address: address === '' ? everywhere : address, port: Number(port) };
}

/** Squid takes both families in where the machine has both. */
function everyAddress(): '::' | '0.0.0.0' {
  const has6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'));
  return has6 ? '::' : '0.0.0.0';
}

function listenerOf(
  place: Listening,
  line: Directive,
  options: ReadonlyMap<string, string>,
  proxyFrom: readonly Directive[],
  desk: Desk,
): Value {
  const isTransparent = ['intercept', 'transparent', 'tproxy'].some((one) => options.has(one));
  if (isTransparent) {
    desk.notes.tell(
      line,
      'differs',
      'redirected TLS goes by its server name, which is resolved here; the address that the client had looked up plays no part, nor may its hello be without a name',
      '',
    );
  }
  if (options.has('tproxy')) {
    desk.notes.tell(
      line,
      'lost',
      'connections to origins come from this machine, not from the address of the client',
      'use REDIRECT in place of TPROXY in the firewall',
    );
  }
  if (line.name === 'https_port' && !isTransparent) {
    desk.notes.tell(
      line,
      'differs',
      'clients that speak TLS to the proxy see a certificate of our authority, made for the names of the listener; plain HTTP is taken on the same port',
      'have them trust the authority, and name the proxy under listen.names',
    );
  }
  if (!options.has('require-proxy-header')) return isTransparent ? { ...place, transparent: true } : { ...place };
  const from = trustedSources(proxyFrom, desk);
  if (from.length === 0) {
    desk.notes.tell(
      line,
      'stricter',
      'no address is believed when it says whose connection it passes on',
      'name the load balancers under proxyProtocol.from',
    );
  }
  const believed = { ...place, proxyProtocol: { from: from.length > 0 ? from : ['127.0.0.1'] } };
  return isTransparent ? { ...believed, transparent: true } : believed;
}

/** Of `proxy_protocol_access allow ACL`, the addresses. */
function trustedSources(lines: readonly Directive[], { acls, notes }: Desk): string[] {
  return lines.flatMap((line) => {
    const [action, name = '', ...more] = texts(line);
    const acl = acls.get(name);
    if (action !== 'allow') return [];
    if (acl?.type === 'src' && more.length === 0 && name !== 'all') return [...acl.values];
    notes.tell(line, 'stricter', 'who is believed has to be named by addresses', 'write them under proxyProtocol.from');
    return [];
  });
}

function authorityOf(line: Directive, options: ReadonlyMap<string, string>, { draft, notes, absolute }: Desk): void {
  const cert = options.get('tls-cert') ?? options.get('cert');
  const key = options.get('tls-key') ?? options.get('key') ?? cert;
  // A listener that does not decrypt has the certificate of a server, which cannot sign.
  if (!cert || !key || !options.has('ssl-bump')) return;
  const before = draft.single('ca', 'cert');
  if (before && before.value !== absolute(cert)) {
    notes.tell(
      line,
      'lost',
      'there is one authority for all listeners, and another line has named it',
      'leave one of the two',
    );
    return;
  }
  draft.set('ca', 'cert', absolute(cert), [line]);
  draft.set('ca', 'key', absolute(key), [line]);
}
