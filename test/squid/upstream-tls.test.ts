import { describe, expect, test } from 'vitest';
import { readUpstreamTls, UPSTREAM_TLS } from '../../src/squid/upstream-tls.ts';
import { importLines } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];

describe('roots for origins', () => {
  test.each<[string, string[], string[], string[]]>([
    ['are those of the system', [], ['system'], []],
    ['have some added', ['tls_outgoing_options cafile=/x/own.pem crlfile=/x/crl.pem'], ['system', '/x/own.pem'], []],
    ['are others', ['tls_outgoing_options cafile=/x/own.pem default-ca=off'], ['/x/own.pem'], []],
    ['are others by a flag', ['tls_outgoing_options flags=NO_DEFAULT_CA cafile=/x/own.pem'], ['/x/own.pem'], []],
    [
      'are said line by line',
      ['tls_outgoing_options cafile=/x/own.pem', 'tls_outgoing_options flags=NO_DEFAULT_CA'],
      ['/x/own.pem'],
      [],
    ],
    ['have some added, in old words', ['sslproxy_cafile /x/own.pem'], ['system', '/x/own.pem'], []],
    ['are others, in old words', ['sslproxy_cafile /x/own.pem', 'sslproxy_flags NO_DEFAULT_CA'], ['/x/own.pem'], []],
    ['are none', ['sslproxy_flags NO_DEFAULT_CA'], ['system'], ['unsafe sslproxy_flags']],
  ])('%s', async (_, lines, trust, told) => {
    const { config, said } = await importLines(...BASE, ...lines);
    expect(config.upstream.trust).toEqual(trust);
    expect(said.filter((one) => /tls_outgoing|sslproxy/.test(one))).toEqual(told);
    expect(readUpstreamTls).toHaveLength(2);
  });

  test.each([
    ['sslproxy_flags DONT_VERIFY_PEER', 'unsafe'],
    ['tls_outgoing_options flags=DONT_VERIFY_PEER', 'unsafe'],
    ['tls_outgoing_options min-version=1.3', 'unsafe'],
    ['tls_outgoing_options min-version=1.2', 'not-needed'],
    ['tls_outgoing_options cipher=HIGH', 'not-needed'],
    ['tls_outgoing_options cert=/x/y.pem', 'lost'],
    ['sslproxy_client_certificate /x/y.pem', 'lost'],
    ['sslproxy_capath /x', 'lost'],
    ['tls_outgoing_options capath=/x', 'lost'],
  ])('%s: %s', async (line, kind) => {
    const name = line.split(' ')[0];
    expect((await importLines(...BASE, line)).said.filter((one) => one.endsWith(` ${name}`))).toEqual([
      `${kind} ${name}`,
    ]);
    expect(UPSTREAM_TLS).toContain(name);
  });
});
