// Why what the tables hold is refused: a sentence for each kind of case. `refusals.ts` joins them with the rows.

export interface Reason {
  /** Ids, or id and area, or id and what it is taken for, as `refusals.ts` names the kind of a row. */
  readonly of: readonly string[];
  /** What it is about, in Markdown. */
  readonly what: string;
  readonly why: string;
}

const FRAMES =
  'two parties could see different ends of the message: what is a body for one is a second request for the other';

/** In the order of the table. */
export const REASONS: readonly Reason[] = [
  { of: ['SMUG-01 Host'], what: '`Host`', why: 'it could be allowed for one site and served by another' },
  { of: ['SMUG-01 Content-Length'], what: '`Content-Length`', why: FRAMES },
  { of: ['SMUG-01 Transfer-Encoding'], what: '`Transfer-Encoding`', why: FRAMES },
  { of: ['SMUG-01 chunks'], what: 'chunks', why: FRAMES },
  { of: ['SMUG-01 line ends'], what: 'line ends', why: 'what is one line for us could be two for the origin' },
  { of: ['SMUG-01 bytes'], what: 'bytes in a field', why: 'another program could cut or split the field there' },
  {
    of: ['SMUG-01 field syntax'],
    what: 'a field',
    why: 'what is a field for us could be none, or another, for the origin',
  },
  { of: ['SMUG-01 version'], what: 'the version', why: 'it is not known how such a message ends' },
  { of: ['SMUG-01 target'], what: 'the target', why: 'the origin could read another URL than the rule did' },
  {
    of: ['SMUG-01 count', 'SMUG-03', 'HTTP-13'],
    what: 'size',
    why: 'parsers drop what is too much, also the field that frames the message; and memory has an end',
  },
  { of: ['HTTP-04'], what: '`Via`', why: 'the request has been here before' },
  {
    of: ['HTTP-05'],
    what: '`Max-Forwards`',
    why: 'a count that is none never ends; `TRACE` would echo cookies and passwords',
  },
  {
    of: ['SMUG-06'],
    what: '`Upgrade`',
    why: 'what follows passes unread, so it must be permitted and unmistakable; `h2c` and TLS are left out and never refused',
  },
  { of: ['HTTP-07'], what: '`Expect`', why: 'it cannot be promised' },
  { of: ['HTTP-15'], what: 'the method', why: 'it is not known whether it may be repeated, cached, or has a body' },
  {
    of: ['HTTP-11', 'FRONT-06'],
    what: '`CONNECT`',
    why: 'a tunnel begins right behind the header, and leads to one host',
  },
  {
    of: ['FRONT-02', 'FRONT-03'],
    what: 'a request inside a tunnel',
    why: 'the tunnel was allowed, and its origin verified, for one host',
  },
  {
    of: ['FRONT-01'],
    what: 'the server name in a tunnel to `ok.test`',
    why: 'an allowed `CONNECT` must not open the way to another host',
  },
  {
    of: ['FRONT-05'],
    what: 'no server name in a tunnel, or not the true one',
    why: 'what the connection is for cannot be seen, and is not taken on trust',
  },
  {
    of: ['NAME-02 bad', 'NAME-03 bad', 'NAME-04 refuse'],
    what: 'the host',
    why: 'two programs could read two different hosts in it',
  },
  {
    of: ['NAME-05 bad'],
    what: 'the host, beyond ASCII',
    why: 'some programs take it for the host that it looks like, some do not; its `xn--` form is taken',
  },
  {
    of: ['NAME-02 deny', 'NAME-05 deny', 'NAME-06 deny'],
    what: 'a host beside `ok.test`',
    why: 'a rule covers the names it says, and no name that only looks like one',
  },
  { of: ['NAME-07'], what: 'the port', why: 'two programs could read two different ports in it' },
  {
    of: ['NAME-09'],
    what: 'the path, where `/api/**` is allowed',
    why: 'the origin could resolve it to another path',
  },
  { of: ['NAME-10'], what: 'bytes in the path', why: 'no URL has them, and programs drop or change them in many ways' },
  {
    of: ['SSRF-01 bad', 'SSRF-01 deny'],
    what: 'spellings of loopback',
    why: 'an address has one spelling, and loopback is the machine of the proxy itself',
  },
  {
    of: ['SSRF-02'],
    what: 'IPv4 addresses, also behind a name',
    why: 'whoever may ask the proxy could reach what stands behind it; `upstream.allowAddresses` opens them',
  },
  {
    of: ['SSRF-03'],
    what: 'IPv6 addresses, also behind a name',
    why: 'the same; and an IPv4 address inside one is still that address',
  },
  { of: ['TLSV-01', 'TLSV-02'], what: 'origin certificate: issuer', why: 'nobody we trust vouches for it' },
  { of: ['TLSV-03', 'TLSV-04'], what: 'origin certificate: dates', why: 'it does not hold now' },
  {
    of: ['TLSV-05', 'TLSV-06', 'TLSV-07', 'TLSV-08', 'TLSV-09', 'TLSV-10'],
    what: 'origin certificate: names',
    why: 'it is not a certificate for the host that was asked for (RFC 9525)',
  },
  {
    of: ['TLSV-11', 'TLSV-12', 'TLSV-13'],
    what: 'origin certificate: chain',
    why: 'it does not lead to a trusted root by CAs that may sign',
  },
  { of: ['TLSV-14'], what: 'origin certificate: limits of its CA', why: 'the CA may not sign for this name' },
  {
    of: ['TLSV-15', 'TLSV-26'],
    what: 'origin certificate: form',
    why: 'two programs could read two different certificates in it',
  },
  { of: ['TLSV-16'], what: 'origin certificate: purpose', why: 'it was issued for something else' },
  { of: ['TLSV-17', 'TLSV-18'], what: 'origin certificate: strength', why: 'it can be forged' },
  { of: ['TLSV-19'], what: 'origin certificate: signature', why: 'it was changed after it was signed' },
  { of: ['RESP-01'], what: 'reply: status line and fields', why: 'two parties could read two different replies in it' },
  {
    of: ['RESP-02'],
    what: 'reply: framing',
    why: 'the end of one reply would be the beginning of the next, for somebody else',
  },
  { of: ['RESP-03'], what: 'reply: cut short', why: 'half a file must not look like a whole one' },
  { of: ['RESP-04'], what: 'reply: size', why: 'memory has an end' },
  { of: ['RESP-05'], what: 'reply: another protocol', why: 'nobody asked to leave HTTP' },
  { of: ['RESP-06'], what: 'reply: silence', why: 'every wait has an end' },
];
