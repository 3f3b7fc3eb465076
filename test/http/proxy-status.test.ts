// Proxy-Status as a reader of structured fields takes it (RFC 8941, RFC 9209).

import { describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/core/error-kinds.ts';
import { headerSafe, proxyStatus } from '../../src/http/proxy-status.ts';

test.each([
  ['sallyport', 'No.', 'sallyport; error=http_request_denied; details="No."'],
  ['sallyport', '', 'sallyport; error=http_request_denied'],
  ['1st', 'x', '"1st"; error=http_request_denied; details="x"'],
  ['a"b', 'x', '"a\\"b"; error=http_request_denied; details="x"'],
  ['p', 'say "no" \\ twice', 'p; error=http_request_denied; details="say \\"no\\" \\\\ twice"'],
  ['p', 'a\r\nX-Evil: 1\0é', 'p; error=http_request_denied; details="a??X-Evil: 1??"'],
])('of %s, saying %j', (proxy, details, expected) => {
  expect(proxyStatus(proxy, 'denied', details, 100)).toBe(expected);
});

test('a cut never leaves half an escape', () => {
  for (let most = 0; most < 20; most += 1) {
    expect(proxyStatus('p', 'denied', '"\\"\\"\\"\\"', most)).toMatch(/^p; error=\w+; details="(?:[^"\\]|\\["\\])*"$/);
  }
});

describe('every error', () => {
  /** RFC 9209 section 2.3. */
  const REGISTERED = (
    'dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited ' +
    'destination_ip_unroutable connection_refused connection_terminated connection_timeout connection_read_timeout ' +
    'connection_write_timeout connection_limit_reached tls_protocol_error tls_certificate_error tls_alert_received ' +
    'http_request_error http_request_denied http_response_incomplete http_response_header_section_size ' +
    'http_response_header_size http_response_body_size http_response_trailer_section_size ' +
    'http_response_trailer_size http_response_transfer_coding http_response_content_coding http_response_timeout ' +
    'http_upgrade_failed http_protocol_error proxy_internal_response proxy_internal_error ' +
    'proxy_configuration_error proxy_loop_detected'
  ).split(' ');

  test('has a registered type', () => {
    for (const code of Object.keys(ERROR_KINDS)) {
      const known = Object.keys(ERROR_KINDS).find((one): one is keyof typeof ERROR_KINDS => one === code);
      if (!known) throw new Error(code);
      const [, type = ''] = /error=(\w+)/.exec(proxyStatus('p', known, 'x', 10)) ?? [];
      expect(REGISTERED).toContain(type);
    }
  });
});

test.each([
  ['plain', 10, 'plain'],
  ['a\tb\x7f\u2028', 10, 'a?b??'],
  ['long enough', 4, 'long'],
])('%j in a field', (text, most, safe) => {
  expect(headerSafe(text, most)).toBe(safe);
});
