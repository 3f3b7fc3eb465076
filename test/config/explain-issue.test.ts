import { describe, expect, test } from 'vitest';
import { explainIssue } from '../../src/config/explain-issue.ts';
import { configSchema } from '../../src/config/schema.ts';
import { formatPath } from '../../src/config/wording.ts';

/** `path (side): message → hint` of each finding. */
function explain(data: Record<string, unknown>): string[] {
  const whole = { version: 1, ...data };
  const { error } = configSchema.safeParse(whole);
  return (error?.issues ?? [])
    .flatMap((issue) => explainIssue(issue, whole))
    .map(({ path, side, message, hint }) => `${formatPath(path)} (${side}): ${message}${hint ? ` → ${hint}` : ''}`);
}

describe('an unknown key', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['that is near a known one', { polcy: {} }, 'polcy (key): unknown key "polcy" → did you mean "policy"?'],
    [
      'spelt as elsewhere',
      { policy: { connect_ports: [] } },
      'policy.connect_ports (key): unknown key "connect_ports" → did you mean "connectPorts"?',
    ],
    [
      'that belongs elsewhere',
      { mode: 'report' },
      'mode (key): unknown key "mode" → it belongs under auth.clientCertificates or under policy',
    ],
    [
      'that belongs in two places',
      { policy: { tls: 'bump' } },
      'policy.tls (key): unknown key "tls" → it belongs at the top level or under policy.rules',
    ],
    [
      'that is nothing at all',
      { tls: { banana: 1 } },
      'tls.banana (key): unknown key "banana" → known here: default, http2, onClientCert, onReject, exceptions',
    ],
  ])('%s', (_, data, finding) => {
    expect(explain(data)).toEqual([finding]);
  });

  test('beside another: each is a finding of its own', () => {
    expect(explain({ tls: { a: 1, defualt: 'bump' } })).toEqual([
      'tls.a (key): unknown key "a" → known here: default, http2, onClientCert, onReject, exceptions',
      'tls.defualt (key): unknown key "defualt" → did you mean "default"?',
    ]);
  });
});

describe('a wrong value', () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'near a choice',
      { tls: { default: 'bumb' } },
      'tls.default (value): expected bump, splice, terminate or tunnel, got "bumb" → did you mean "bump"?',
    ],
    [
      'near none',
      { tls: { default: 'xyz' } },
      'tls.default (value): expected bump, splice, terminate or tunnel, got "xyz"',
    ],
    [
      'near the word of a union',
      { workers: 'aut' },
      'workers (value): expected auto or a number from 1 to 256, got "aut" → did you mean "auto"?',
    ],
    ['of the right type in a union', { workers: 0 }, 'workers (value): expected a number from 1 to 256, got 0'],
    [
      'in place of a list',
      { policy: { connectPorts: 443 } },
      'policy.connectPorts (value): expected a list of ports, got 443 → did you mean [443]?',
    ],
    ['in place of a list of sections', { listen: 3128 }, 'listen (value): expected a list of listeners, got 3128'],
    [
      'in place of a list, with keys',
      { upstream: { trust: {} } },
      'upstream.trust (value): expected a list of trusted roots, got keys and values → begin each item with "- "',
    ],
    [
      'where nothing is',
      { policy: null },
      'policy (value): expected keys and values, got nothing → remove the key, or indent what belongs to it',
    ],
    [
      'in a list that stands for one',
      { log: { access: [{ onFull: 'blok' }] } },
      'log.access[0].onFull (value): expected block, drop or exit, got "blok" → did you mean "block"?',
    ],
    [
      'in the one that stands for a list',
      { log: { access: { onFull: 'blok' } } },
      'log.access.onFull (value): expected block, drop or exit, got "blok" → did you mean "block"?',
    ],
    [
      'that is neither one nor a list',
      { log: { access: 'squid' } },
      'log.access (value): expected an access log or a list of them, got "squid"',
    ],
    [
      'under a host name',
      { resolver: { hosts: { a: 'b' } } },
      'resolver.hosts.a (value): expected an IP address, got "b": it is a name',
    ],
    [
      'in a list under a host name',
      { resolver: { hosts: { a: ['::1', 'b'] } } },
      'resolver.hosts.a[1] (value): expected an IP address, got "b": it is a name',
    ],
    [
      'of a key that is a host name',
      { resolver: { hosts: { 'a b': '::1' } } },
      'resolver.hosts["a b"] (key): expected a host name, got "a b": character not allowed in host',
    ],
    [
      'that is absent',
      { policy: { rules: [{ name: 'a' }] } },
      'policy.rules[0].action (value): is missing: expected allow or deny',
    ],
  ])('%s', (_, data, finding) => {
    expect(explain(data)).toEqual([finding]);
  });
});
