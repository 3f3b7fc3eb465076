// The directives that are one value each: waits, names, name servers, trust, Via. Each is a function of its lines.

import { parseAddress } from '../policy/address-set.ts';
import { LOG_CONTENT } from './log-content.ts';
import type { Directive } from './read-conf.ts';
import { RESTRICTIONS } from './restrictions.ts';
import { type Desk, type Family, isOn, texts } from './translator.ts';
import { duration, parseTime } from './units.ts';

/** The last line has it. */
const last =
  (take: (line: Directive, desk: Desk) => void): Family =>
  (lines, desk) => {
    const line = lines.at(-1);
    if (line) take(line, desk);
  };

const wait = (key: string): Family =>
  last((line, { draft, notes }) => {
    const time = parseTime(texts(line));
    if (time === undefined)
      notes.tell(line, 'unknown', `"${line.rest}" is no time`, 'write a number and a unit, such as 1 minute');
    else if (time === 0) notes.tell(line, 'differs', 'a wait of no time at all is not taken', '');
    else draft.set('limits', key, duration(time), [line]);
  });

export const SETTINGS: Readonly<Record<string, Family>> = {
  ...RESTRICTIONS,
  ...LOG_CONTENT,
  connect_timeout: wait('connectTimeout'),
  read_timeout: wait('responseTimeout'),
  request_timeout: wait('headerTimeout'),
  write_timeout: wait('bodyTimeout'),
  client_idle_pconn_timeout: wait('keepAliveTimeout'),
  persistent_request_timeout: wait('keepAliveTimeout'),
  request_start_timeout: last((line, { notes }) =>
    notes.tell(
      line,
      'differs',
      'the wait for a first request is limits.headerTimeout, 10 s',
      'set limits.headerTimeout',
    ),
  ),
  server_idle_pconn_timeout: last((line, { notes }) =>
    notes.tell(
      line,
      'differs',
      'connections to origins are kept as long as those of clients: limits.keepAliveTimeout',
      '',
    ),
  ),
  pconn_timeout: last((line, { notes }) =>
    notes.tell(
      line,
      'differs',
      'connections to origins are kept as long as those of clients: limits.keepAliveTimeout',
      '',
    ),
  ),
  peer_connect_timeout: last((line, { notes }) =>
    notes.tell(line, 'differs', 'a parent has 15 s for one attempt', 'set "timeout" of the parent'),
  ),
  shutdown_lifetime: wait('drainTimeout'),
  client_ip_max_connections: last((line, { draft }) => {
    const most = Number(line.words[0]?.text);
    if (most > 0) draft.set('limits', 'connectionsPerClient', most, [line]);
  }),
  workers: last((line, { draft }) => {
    const count = Number(line.words[0]?.text);
    if (count >= 1 && count <= 256) draft.set('workers', '', count, [line]);
  }),
  dns_nameservers: (lines, { draft, notes }) => {
    const servers: string[] = [];
    for (const line of lines) {
      for (const text of texts(line)) {
        if (parseAddress(text)) servers.push(text);
        else notes.tell(line, 'unknown', `"${text}" is no address of a name server`, 'correct it');
      }
    }
    if (servers.length > 0) draft.set('resolver', 'servers', servers, lines);
  },
  positive_dns_ttl: last((line, { draft }) => {
    const time = parseTime(texts(line));
    if (time !== undefined) draft.set('resolver', 'maxTtl', duration(time), [line]);
  }),
  hosts_file: last((line, { notes }) => {
    if (line.rest === 'none') notes.tell(line, 'differs', 'the hosts file of the system is read all the same', '');
  }),
  visible_hostname: last((line, { draft, notes }) => {
    const name = line.words[0]?.text ?? '';
    if (/^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name)) draft.set('via', '', name, [line]);
    else notes.tell(line, 'differs', 'the name cannot stand in Via', 'set "via" to one word');
  }),
  // Behind visible_hostname, so that `off` outweighs it.
  via: last((line, { draft }) => {
    if (!isOn(line)) draft.set('via', '', 'off', [line]);
  }),
  forwarded_for: last((line, { notes }) => {
    const word = line.words[0]?.text ?? '';
    if (/^(?:off|delete|truncate|transparent)$/i.test(word))
      notes.tell(line, 'not-needed', 'X-Forwarded-For is never added here', '');
    else
      notes.tell(line, 'differs', 'X-Forwarded-For is never sent: origins do not learn the addresses of clients', '');
  }),
  on_unsupported_protocol: (lines, { notes }) => {
    for (const line of lines.filter(({ words }) => words[0]?.text === 'tunnel')) {
      notes.tell(
        line,
        'stricter',
        'what is not TLS inside a CONNECT is refused where the rule decrypts',
        'write "tls: tunnel" on a rule for the hosts that need it',
      );
    }
  },
  always_direct: () => undefined,
  never_direct: () => undefined,
  cache_peer_access: () => undefined,
  cache_peer_domain: (lines, { notes }) => {
    for (const line of lines)
      notes.tell(line, 'lost', 'it is an old spelling', 'write a route with these hosts under upstream.routes');
  },
  nonhierarchical_direct: () => undefined,
  prefer_direct: last((line, { notes }) => {
    if (isOn(line))
      notes.tell(
        line,
        'differs',
        'parents are asked first where a route names them',
        'write { via: [direct] } for the hosts that can be reached directly',
      );
  }),
  cache_mgr: last((line, { draft, notes }) => {
    const contact = line.rest.replace(/^"(.*)"$/, '$1');
    if (/^[\x20-\x7e]{1,200}$/.test(contact)) draft.set('contact', '', contact, [line]);
    else notes.tell(line, 'differs', 'whom to ask is a line of text', 'set "contact"');
  }),
};
