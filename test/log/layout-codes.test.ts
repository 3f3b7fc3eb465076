// What each code of a logformat prints of an entry.

import { describe, expect, test } from 'vitest';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import { compileLayout } from '../../src/log/layout.ts';
import { CODE_NAMES, CODES } from '../../src/log/layout-codes.ts';
import { makeEntry } from '../support/log-entries.ts';

const print = (layout: string, facts: Partial<AccessLogEntry> = {}): string => {
  const compiled = compileLayout(layout);
  return compiled.ok ? compiled.value.printer()(makeEntry(facts)) : compiled.reason;
};

const MORE: Partial<AccessLogEntry> = {
  url: 'https://api.example.com:8443/v2/items?token=secret&page=2',
  user: 'alice',
  sni: 'api.example.com',
  tunnel: 'x-0000011',
  exchange: 'x-0000012',
  session: 'x-0000010',
  bytesIn: 100,
  clientTls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  upstreamTls: { version: 'TLSv1.2', cipher: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' },
  timings: { dns: 3.4, connect: 2, tls: 5, firstByte: 7.6 },
  rule: 'api',
  action: 'allow',
  more: {
    clientPort: 40_000,
    local: { address: '10.0.0.1', port: 3128 },
    serverPort: 8443,
    serverLocal: { address: '10.0.0.1', port: 50_000 },
    requestFields: ['Host', 'api.example.com', 'Authorization', 'Basic c2VjcmV0', 'Accept', 'a, b;q=1', 'accept', 'c'],
    requestHead: 80,
    replyFields: [
      'Content-Type',
      'text/plain; charset=x',
      'Set-Cookie',
      'id=secret',
      'Cache-Control',
      'max-age=5, private',
    ],
    replyHead: 512,
    originStatus: 200,
    versions: [0x0a0a, 0x0304, 0x0303],
    clientNames: { subject: '/C=DE/CN=vm-12', issuer: '/CN=Clients' },
    serverNames: { subject: '/CN=api.example.com', issuer: '/CN=Roots' },
  },
};

describe('a code', () => {
  test.each([
    ['%ts', '1795330020'],
    ['%tu', '42'],
    ['%03tu', '042'],
    ['%tr', '12'],
    ['%6tr', '    12'],
    ['%06tr', '000012'],
    ['%-6tr|', '12    |'],
    ['%tS', '1795330020.030'],
    ['%dt', '3'],
    ['%tg', '22/Nov/2026:06:47:00 +0000'],
    ['%{%Y-%m-%d}tg', '2026-11-22'],
    ['%>a %>p', '10.20.0.7 40000'],
    ['%>la %>lp %la %lp', '10.0.0.1 3128 10.0.0.1 3128'],
    ['%<a %<p %<la %<lp %<A', '192.0.2.10 8443 10.0.0.1 50000 api.example.com'],
    ['%un %ul %us', 'alice alice vm-12'],
    ['%ui %ue %et %ea %credentials %>eui', '- - - - - -'],
    ['%rm %>rm %<rm', 'GET GET GET'],
    ['%ru', 'https://api.example.com:8443/v2/items?'],
    ['%>ru', 'https://api.example.com:8443/v2/items?token=***&page=2'],
    ['%>rs %>rd %>rP %rp', 'https api.example.com 8443 /v2/items?'],
    ['%rv', '1.1'],
    ['%{Host}>h', 'api.example.com'],
    ['%{authorization}>h', '***'],
    ['"%{ACCEPT}>h"', '"a, b;q=1, c"'],
    ['%{Accept:b}>h', '-'],
    ['%{Nothing}>h', '-'],
    ['%{Cache-Control:max-age}<h', '5'],
    ['%{Cache-Control:private}<h', 'private'],
    ['%{Content-Type:;charset}<h', 'x'],
    ['%{Set-Cookie}<h', '***'],
    ['%Ss/%03>Hs %<Hs', 'TCP_MISS/200 200'],
    ['%Sh', 'HIER_DIRECT'],
    ['%mt', 'application/json'],
    ['%st %>st %<st %>sh %<sh', '1692 180 1512 80 512'],
    ['%<pt', '8'],
    ['%master_xaction', '38'],
    ['%{rule}note', 'api'],
    ['%{parent}note', '-'],
    ['%note', expect.stringContaining('rule:%20api%0D%0A')],
    ['%err_code %err_detail', '- -'],
    ['%ssl::>sni', 'api.example.com'],
    ['%ssl::bump_mode', 'bump'],
    ['%ssl::>cert_subject|%ssl::>cert_issuer', '/C=DE/CN=vm-12|/CN=Clients'],
    ['%ssl::<cert_subject|%ssl::<cert_issuer', '/CN=api.example.com|/CN=Roots'],
    ['%ssl::>negotiated_version %ssl::<negotiated_version', 'TLS/1.3 TLS/1.2'],
    ['%ssl::>negotiated_cipher', 'TLS_AES_128_GCM_SHA256'],
    ['%ssl::<negotiated_cipher', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['%ssl::>received_hello_version %ssl::>received_supported_version', 'TLS/1.2 TLS/1.3'],
    ['%ssl::<cert_errors', '-'],
    ['%10.3Ss|%-10.3Ss|', '       TCP|TCP       |'],
  ])('%s prints its part', (layout, line) => {
    expect(print(layout, MORE)).toEqual(line);
  });

  test.each([
    ['a denial', { action: 'deny' }, '%err_code %err_detail', 'ERR_ACCESS_DENIED -'],
    ['a failure', { error: 'connect-failed' }, '%err_code %err_detail', 'ERR_CONNECT_FAIL connect-failed'],
    [
      'a flaw of a certificate',
      { error: 'upstream-certificate', errorDetail: 'h: It has expired. (X509_V_ERR_CERT_HAS_EXPIRED)' },
      '%err_detail %ssl::<cert_errors',
      'X509_V_ERR_CERT_HAS_EXPIRED X509_V_ERR_CERT_HAS_EXPIRED@depth=0',
    ],
    [
      'a flaw that our own pass has found',
      { error: 'upstream-certificate', errorDetail: 'h: A certificate in its chain has expired. (expired)' },
      '%err_detail %ssl::<cert_errors{,}',
      'X509_V_ERR_CERT_HAS_EXPIRED X509_V_ERR_CERT_HAS_EXPIRED@depth=0',
    ],
    [
      'a flaw that only we look for',
      { error: 'upstream-certificate', errorDetail: 'h: Its chain takes too many steps to verify. (too-complex)' },
      '%err_detail %ssl::<cert_errors',
      'upstream-certificate -',
    ],
    [
      'a certificate of another name',
      { error: 'upstream-name', errorDetail: 'h.test:443: It is for other.test (not h.test).' },
      '%err_detail %ssl::<cert_errors',
      'SQUID_X509_V_ERR_DOMAIN_MISMATCH SQUID_X509_V_ERR_DOMAIN_MISMATCH@depth=0',
    ],
    ['a CONNECT', { method: 'CONNECT', url: 'h.test:443' }, '%ru %>rd %>rP %>rs', 'h.test:443 h.test 443 -'],
    ['no request', { url: 'error:invalid-request', method: undefined }, '%rm %ru %>rd', '- error:invalid-request -'],
    ['nobody dialled', { hierarchy: 'HIER_NONE', peer: undefined }, '%<a %<A %<ru %<tt', '- - - -'],
    ['a user called -', { user: '-' }, "%un %[un %'un", '%2d %2d %2d'],
    ['a user with a space', { user: 'a b' }, '%un', 'a%20b'],
    ['a line break in an agent', { more: { requestFields: ['User-Agent', 'a\r\nb'] } }, "%'{User-Agent}>h", 'a%0d%0ab'],
    ['a spliced CONNECT', { method: 'CONNECT', tunnel: 't-1', outcome: 'spliced' }, '%ssl::bump_mode', 'splice'],
    ['a plain request', { tls: 'bump' }, '%ssl::bump_mode', '-'],
  ] as const)('of %s', (_, facts, layout, line) => {
    expect(print(layout, facts)).toBe(line);
  });

  test('knows every code that the documentation of Squid 5 has', () => {
    const documented =
      'sn err_code err_detail note master_xaction >a >A >p >eui >la >lp >qos >nfmark la lp <a <A <p <la <lp <qos <nfmark ' +
      '>handshake ts tu tl tg tr dt tS et ea un ul ue ui credentials rm >rm <rm ru >ru <ru >rs <rs >rd <rd >rP <rP rp >rp ' +
      '<rp rv >rv <rv >h >ha <Hs >Hs <h mt st >st <st >sh <sh <sH <sS <bs <pt <tt Ss Sh ssl::bump_mode ssl::>sni ' +
      'ssl::>cert_subject ssl::>cert_issuer ssl::<cert_subject ssl::<cert_issuer ssl::<cert ssl::<cert_errors ' +
      'ssl::>negotiated_version ssl::<negotiated_version ssl::>received_hello_version ssl::<received_hello_version ' +
      'ssl::>received_supported_version ssl::<received_supported_version ssl::>negotiated_cipher ' +
      'ssl::<negotiated_cipher icap::tt adapt::<last_h adapt::sum_trs adapt::all_trs proxy_protocol::>h';
    expect(documented.split(' ').filter((code) => !CODE_NAMES.includes(code))).toEqual([]);
  });

  test.each(CODE_NAMES)('%s prints something of an entry without particulars', (code) => {
    expect(print(`%${code}`)).toMatch(/^[\x20-\x7e]+$/);
    expect(CODES[code]?.read).toBeTypeOf('function');
  });
});
