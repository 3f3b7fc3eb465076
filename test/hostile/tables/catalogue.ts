// The catalogue of hostile cases: what an attack may look like, how bad it would be, and why there is no test where there
// is none. `test-index.ts` makes the list id → tests from it.

export interface CatalogueRow {
  readonly id: string;
  readonly area: string;
  readonly title: string;
  /** Critical, high, medium, low: what it would mean if the proxy failed here. */
  readonly severity: Severity;
  /** Why no test names it. */
  readonly leftOut?: string;
}

type Severity = 'C' | 'H' | 'M' | 'L';
type Case = readonly [id: string, severity: Severity, title: string, leftOut?: string];

const ADMIN = 'needs the admin API, which does not exist yet';
const MUTUAL_TLS = 'needs mutual TLS, which does not exist yet';
const SHIPPING = 'needs log shipping, which does not exist yet';
const RELOAD = 'needs reload, which does not exist yet';
const USERS = 'needs users, who do not exist yet';
const NO_TOOL = 'its test suite cannot be installed as a package';

const area = (name: string, cases: readonly Case[]): CatalogueRow[] =>
  cases.map(([id, severity, title, leftOut]) => ({
    id,
    area: name,
    title,
    severity,
    ...(leftOut === undefined ? {} : { leftOut }),
  }));

export const CATALOGUE: readonly CatalogueRow[] = [
  ...area('Certificates of origins', [
    ['TLSV-01', 'C', 'a leaf that signed itself'],
    ['TLSV-02', 'C', 'a root that is not trusted'],
    ['TLSV-03', 'C', 'expired: leaf, intermediate, root'],
    ['TLSV-04', 'H', 'not yet valid: leaf, intermediate'],
    ['TLSV-05', 'C', 'a certificate of another site'],
    ['TLSV-06', 'C', 'our name as common name beside other names'],
    ['TLSV-07', 'H', 'our name as common name and no other names'],
    ['TLSV-08', 'C', 'wildcards that are too wide, or stand in the wrong place'],
    ['TLSV-09', 'H', 'addresses as text, as bytes and as common name'],
    ['TLSV-10', 'H', 'names with NUL, commas and quotes, or hidden in other fields'],
    ['TLSV-11', 'M', 'chains with a gap, out of order, or with strangers in them'],
    ['TLSV-12', 'C', 'intermediates that may not sign'],
    ['TLSV-13', 'H', 'chains longer than allowed'],
    ['TLSV-14', 'C', 'name constraints, also against wildcards'],
    ['TLSV-15', 'H', 'critical extensions that nobody knows'],
    ['TLSV-16', 'H', 'certificates for another purpose'],
    ['TLSV-17', 'H', 'weak keys at every place of the chain'],
    ['TLSV-18', 'H', 'signatures with MD5 and SHA-1'],
    ['TLSV-19', 'C', 'signatures with one wrong bit'],
    ['TLSV-20', 'C', 'a leaf by our own CA that comes from outside'],
    [
      'TLSV-21',
      'H',
      'leaves by interception keys that have leaked',
      'the leaked keys are not distributed with the project; TLSV-02 and TLSV-20 are the same with keys of our own',
    ],
    ['TLSV-22', 'H', 'revoked: by list, by staple, and the staple that was promised and is missing'],
    ['TLSV-23', 'C', 'a good chain that is exchanged for a bad one'],
    ['TLSV-24', 'C', 'a session of one site resumed for another at the same address'],
    ['TLSV-25', 'M', 'a clock of the proxy that is wrong by days and years'],
    ['TLSV-26', 'C', 'certificates at the edge of the profile, in rows of our own'],
    ['TLSV-27', 'H', 'several paths to a root, in rows of our own'],
    ['TLSV-28', 'H', 'chains that would cost time or memory'],
    ['TLSV-29', 'H', 'mutated chains'],
  ]),
  ...area('TLS', [
    ['TLSP-01', 'H', 'origins that only speak SSL 3, TLS 1.0 or 1.1'],
    ['TLSP-02', 'H', 'origins that only offer weak ciphers or short Diffie-Hellman'],
    ['TLSP-03', 'H', 'what our own ClientHello offers'],
    ['TLSP-04', 'H', 'the mark of a downgrade in the reply of an origin'],
    ['TLSP-05', 'M', 'another TLS version on each side, told as it is'],
    ['TLSP-06', 'H', 'what a scanner finds at the TLS that clients see'],
    ['TLSP-07', 'M', 'renegotiation, early data and odd session ids'],
    ['TLSP-08', 'M', 'ClientHellos in many pieces, long, post-quantum, with grease'],
    ['TLSP-09', 'H', 'something else than TLS inside a tunnel'],
    ['TLSP-10', 'C', 'hostile server names'],
    ['TLSP-11', 'M', 'the scripts of tlsfuzzer', NO_TOOL],
  ]),
  ...area('Minting', [
    ['MINT-01', 'H', 'the profile of a leaf, judged by strict verifiers'],
    ['MINT-02', 'M', 'the dates of a leaf'],
    ['MINT-03', 'H', 'serial numbers: distinct, positive, random'],
    ['MINT-04', 'M', 'leaves for long, short, numeric and odd hosts'],
    ['MINT-05', 'C', 'no leaf vouches for an origin that failed'],
  ]),
  ...area('Key of the CA', [
    ['KEY-01', 'C', 'a key file that others may read or exchange'],
    ['KEY-02', 'C', 'an encrypted key, its passphrase right, wrong and missing'],
    ['KEY-03', 'C', 'key material in logs, pages or dumps'],
    ['KEY-04', 'H', 'a first start that is killed at any moment'],
    ['KEY-05', 'H', 'the profile of the CA'],
    ['KEY-06', 'H', 'a CA that has expired, soon will, has another key, or is none'],
    ['KEY-07', 'H', 'another CA under load', RELOAD],
  ]),
  ...area('Certificate cache', [
    ['CACHE-01', 'H', 'ten times more hosts than it holds'],
    ['CACHE-02', 'H', 'a new leaf when what it rests on has changed'],
    ['CACHE-03', 'M', 'one entry for all spellings of a host'],
    ['CACHE-04', 'M', 'one mint for 200 who ask at once'],
    ['CACHE-05', 'C', 'poisoning by another server name'],
    ['CACHE-06', 'M', 'a failure is not remembered for long'],
    ['CACHE-07', 'H', 'a store on disk that is damaged', 'leaves are kept in memory only, there is no store on disk'],
    ['CACHE-08', 'M', 'an entry that expires while it is kept'],
  ]),
  ...area('Mutual TLS', [
    ['MTLS-01', 'C', 'client certificates that are missing or bad', MUTUAL_TLS],
    ['MTLS-02', 'H', 'client names with commas, quotes and line ends', MUTUAL_TLS],
    ['MTLS-03', 'H', 'a session resumed after its certificate was revoked', MUTUAL_TLS],
    ['MTLS-04', 'C', 'our own client certificate goes where it was configured, and nowhere else', MUTUAL_TLS],
  ]),
  ...area('Connection pool', [
    ['POOL-01', 'C', 'an origin that logs in the connection, not the request'],
    ['POOL-02', 'C', 'connections with the client certificate of one user', USERS],
    ['POOL-03', 'C', 'bytes on an idle connection'],
    ['POOL-04', 'H', 'a connection that is closed at the moment of its use'],
  ]),
  ...area('Hosts and URLs', [
    ['NAME-01', 'H', 'other spellings of an allowed host'],
    ['NAME-02', 'M', 'empty and overlong labels and names'],
    ['NAME-03', 'C', 'percent-encoding in a host'],
    ['NAME-04', 'C', 'two hosts in one'],
    ['NAME-05', 'H', 'hosts that are not ASCII, and look-alikes'],
    ['NAME-06', 'C', 'hosts next to an allowed one'],
    ['NAME-07', 'H', 'ports that are none'],
    ['NAME-08', 'C', 'an address whose reverse name is allowed'],
    ['NAME-09', 'C', 'ways out of an allowed path'],
    ['NAME-10', 'H', 'bytes that no URL has'],
  ]),
  ...area('Addresses', [
    ['SSRF-01', 'C', 'spellings of loopback'],
    ['SSRF-02', 'C', 'private, link-local, metadata and reserved IPv4 addresses'],
    ['SSRF-03', 'C', 'the same in IPv6, and IPv4 inside IPv6'],
    ['SSRF-04', 'C', 'allowed names that lead to internal addresses'],
    ['SSRF-05', 'C', 'names that lead elsewhere when asked again'],
    ['SSRF-06', 'H', 'the proxy itself'],
    ['SSRF-07', 'H', 'CONNECT to ports that no list names'],
  ]),
  ...area('Authority', [
    ['FRONT-01', 'C', 'another server name than that of the CONNECT'],
    ['FRONT-02', 'C', 'another Host than that of the CONNECT'],
    ['FRONT-03', 'C', 'another host in a later request'],
    ['FRONT-04', 'C', 'another :authority over HTTP/2'],
    ['FRONT-05', 'H', 'no server name, an address, an encrypted hello'],
    ['FRONT-06', 'H', 'a tunnel inside a tunnel'],
  ]),
  ...area('HTTP', [
    ['HTTP-01', 'H', 'fields that end at each hop'],
    ['HTTP-02', 'H', 'Connection that names what frames or authorises'],
    ['HTTP-03', 'M', 'Via'],
    ['HTTP-04', 'H', 'a loop through ourselves'],
    ['HTTP-05', 'M', 'OPTIONS and TRACE with every kind of Max-Forwards'],
    ['HTTP-06', 'H', 'Expect: 100-continue, and who answers what when'],
    ['HTTP-07', 'H', 'unknown expectations, and interim replies nobody waits for'],
    ['HTTP-08', 'M', 'HTTP/1.0, HEAD, 204, 304 and trailers'],
    ['HTTP-09', 'C', 'fields that are meant for the proxy'],
    ['HTTP-10', 'H', '1,000 requests in one go'],
    ['HTTP-11', 'H', 'CONNECT with a body, or with the hello behind it'],
    ['HTTP-12', 'M', 'connections of which one half has ended'],
    ['HTTP-13', 'H', 'long targets, long fields, many fields'],
    ['HTTP-14', 'M', 'fields with thousands of parts'],
    ['HTTP-15', 'L', 'methods that nobody knows'],
  ]),
  ...area('Request smuggling', [
    ['SMUG-01', 'C', 'malformed requests on the port of the proxy'],
    ['SMUG-02', 'C', 'the same inside a bumped tunnel'],
    ['SMUG-03', 'C', 'framing behind more fields than a parser keeps'],
    ['SMUG-04', 'C', 'bodies where none are usual'],
    ['SMUG-05', 'C', 'HTTP/2 turned into HTTP/1'],
    ['SMUG-06', 'C', 'upgrades that open nothing'],
    ['SMUG-07', 'H', 'a large body that nobody wants'],
    ['SMUG-08', 'H', 'fields said twice, and odd names'],
    ['SMUG-09', 'C', 'mutated requests'],
  ]),
  ...area('Replies of origins', [
    ['RESP-01', 'C', 'status lines and fields that are malformed'],
    ['RESP-02', 'C', 'two framings, or a wrong one'],
    ['RESP-03', 'H', 'replies that are cut short'],
    ['RESP-04', 'H', 'replies with too many or too long fields'],
    ['RESP-05', 'H', 'a 101 nobody asked for, bodies where none may be'],
    ['RESP-06', 'H', 'silent and dripping origins'],
    ['RESP-07', 'H', 'bombs of compressed bytes', 'needs body rules, which do not exist yet'],
    ['RESP-08', 'C', 'mutated replies'],
  ]),
  ...area('HTTP/2', [
    ['H2-01', 'M', 'h2spec', NO_TOOL],
    ['H2-02', 'H', 'streams reset as fast as they are opened'],
    ['H2-03', 'H', 'floods of frames, and header bombs'],
    ['H2-04', 'H', 'malformed frames and windows that overflow'],
    ['H2-05', 'H', 'windows that never open'],
    ['H2-06', 'M', 'CONNECT over HTTP/2, and one stream too many'],
  ]),
  ...area('Exhaustion', [
    ['DOS-01', 'H', 'thousands of slow senders and slow readers'],
    ['DOS-02', 'H', 'connections and tunnels that stay silent'],
    ['DOS-03', 'H', 'one client with thousands of connections'],
    ['DOS-04', 'C', 'no file descriptor left'],
    ['DOS-05', 'C', 'gigabytes that nobody takes'],
    ['DOS-06', 'H', 'large headers held open'],
    ['DOS-07', 'H', 'thousands of new hosts each second'],
    ['DOS-08', 'H', 'name servers that are silent, late or talk too much'],
    ['DOS-09', 'C', 'patterns that are expensive to match'],
    ['DOS-10', 'H', 'very many rules, and field names that collide'],
  ]),
  ...area('Reliability', [
    ['REL-01', 'C', 'a worker that is killed'],
    ['REL-02', 'C', 'a fault in any handler'],
    ['REL-03', 'C', 'stopping with work in flight'],
    ['REL-04', 'C', 'a hundred reloads under load', RELOAD],
    ['REL-05', 'C', 'a broken config at reload', RELOAD],
    ['REL-06', 'C', 'a log that cannot be written'],
    ['REL-07', 'C', 'rotation of the log under load'],
    ['REL-08', 'C', 'a collector of logs that goes away', SHIPPING],
    ['REL-09', 'C', 'a collector of logs that is not who it should be', SHIPPING],
    ['REL-10', 'H', 'origins that are down, silent, or half reachable'],
    ['REL-11', 'H', 'hours of mixed load', 'hours of load belong before a release, not into a suite'],
    ['REL-12', 'M', 'a clock that jumps'],
    ['REL-13', 'M', 'what can be in the way of a start'],
  ]),
  ...area('Logs and pages', [
    ['LOG-01', 'C', 'line ends and control characters in what is logged'],
    ['LOG-02', 'H', 'quotes, spaces and bytes beyond ASCII in what is logged'],
    ['LOG-03', 'H', 'user names that pose as something else', USERS],
    ['LOG-04', 'H', 'one line for each transaction, with the right sizes'],
    ['LOG-05', 'M', 'the log read by other programs'],
    ['LOG-06', 'H', 'syslog records with line ends in them', SHIPPING],
    ['LOG-07', 'C', 'secrets in logs and pages'],
    ['LOG-08', 'H', 'markup in a page of ours'],
  ]),
  ...area('Administration', [
    ['ADM-01', 'C', 'tokens that are missing, wrong or nearly right', ADMIN],
    ['ADM-02', 'C', 'access through the proxy or from a web page', ADMIN],
    ['ADM-03', 'C', 'values that would break the config', ADMIN],
    ['ADM-04', 'H', 'paths, methods and bodies that mean harm', ADMIN],
    ['ADM-05', 'C', 'a crash while the config is written', ADMIN],
    ['ADM-06', 'H', 'a record of each change', ADMIN],
  ]),
  ...area('Supply', [
    ['DEP-01', 'H', 'what the installation brings and runs'],
    [
      'DEP-02',
      'H',
      'every supported Node.js',
      'the installation brings the one Node.js it runs on, and the suite runs on that',
    ],
  ]),
];
