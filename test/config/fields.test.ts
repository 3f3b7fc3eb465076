import { describe, expect, test } from 'vitest';
import type { ZodType } from 'zod';
import {
  address,
  choice,
  duration,
  hostName,
  hostNameText,
  integer,
  listOf,
  nameServer,
  path,
  port,
  pseudonym,
  someOf,
} from '../../src/config/fields.ts';

/** The value, or the messages. */
function read(field: ZodType, input: unknown): unknown {
  const parsed = field.safeParse(input);
  return parsed.success ? { value: parsed.data } : parsed.error.issues.map(({ message }) => message);
}

describe('a value is taken', () => {
  test.each<[string, ZodType, unknown, unknown]>([
    ['a choice', choice(['allow', 'deny']), 'deny', 'deny'],
    ['the least integer', integer('a number', 1, 256), 1, 1],
    ['the most', integer('a number', 1, 256), 256, 256],
    ['port 0', port, 0, 0],
    ['the last port', port, 65_535, 65_535],
    ['a duration', duration(1), '10s', 10_000],
    ['no duration where that has a meaning', duration(0), '0s', 0],
    ['a path', path, '../certs/ca.pem', '../certs/ca.pem'],
    ['a path with a variable', path, `\${NO_SUCH_FOLDER:-private}/ca-key.pem`, 'private/ca-key.pem'],
    ['a host name, made canonical', hostName, 'Proxy.Example.COM.', 'proxy.example.com'],
    ['an IPv4 address', address, '192.0.2.1', '192.0.2.1'],
    ['every IPv6 address', address, '::', '::'],
    ['an IPv6 address, made canonical', address, '2001:DB8:0:0::1', '2001:db8::1'],
    ['a name server', nameServer, '192.0.2.1', '192.0.2.1'],
    ['a name server with its port', nameServer, '192.0.2.1:5353', '192.0.2.1:5353'],
    ['an IPv6 name server', nameServer, '2001:db8::1', '2001:db8::1'],
    ['an IPv6 name server with its port', nameServer, '[2001:db8::1]:5353', '[2001:db8::1]:5353'],
    ['a pseudonym', pseudonym, 'egress-1.example', 'egress-1.example'],
    ['no pseudonym', pseudonym, 'off', undefined],
    ['no pseudonym, as YAML 1.1 would have it', pseudonym, false, undefined],
    ['an empty list', listOf(port, 'ports'), [], []],
    ['a list of one', someOf(port, 'ports'), [1], [1]],
  ])('%s', (_, field, input, value) => {
    expect(read(field, input)).toEqual({ value });
  });
});

describe('a value is refused with what was expected and what is wrong', () => {
  const least = 'expected a duration such as 10s, got';
  test.each<[string, ZodType, unknown, string]>([
    ['another word', choice(['allow', 'deny']), 'denny', 'expected allow or deny, got "denny"'],
    ['an absent choice', choice(['allow', 'deny']), undefined, 'is missing: expected allow or deny'],
    ['a port too high', port, 65_536, 'expected a port from 0 to 65535, got 65536'],
    ['a negative port', port, -1, 'expected a port from 0 to 65535, got -1'],
    ['half a port', port, 0.5, 'expected a port from 0 to 65535, got 0.5'],
    ['a port in quotes', port, '3128', 'expected a port from 0 to 65535, got "3128"'],
    ['an endless port', port, Number.POSITIVE_INFINITY, 'expected a port from 0 to 65535, got Infinity'],
    ['a bare number', duration(1), 10, `${least} 10`],
    ['no unit', duration(1), '10', `${least} "10": a duration is a whole number with ms, s, m or h`],
    ['no wait at all', duration(1), '0s', `${least} "0s": it is longer than 0 and at most 168h`],
    ['two weeks', duration(0), '336h', `${least} "336h": a duration is at most 168h`],
    ['an empty path', path, '', 'expected a path, got "": it is empty'],
    [
      'a path with an unknown variable',
      path,
      `\${XQZ}/k`,
      `expected a path, got "\${XQZ}/k": the environment has no XQZ; \${XQZ:-folder} would be taken instead`,
    ],
    ['a path with NUL', path, 'a\0b', 'expected a path, got "a\\u0000b": it holds a NUL character'],
    ['an address as host name', hostName, '192.0.2.1', 'expected a host name, got "192.0.2.1": it is an address'],
    ['a host name with a space', hostName, 'a b', 'expected a host name, got "a b": character not allowed in host'],
    ['a name as address', address, 'localhost', 'expected an IP address, got "localhost": it is a name'],
    [
      'an address with a port',
      address,
      '127.0.0.1:80',
      'expected an IP address, got "127.0.0.1:80": it stands without port and brackets',
    ],
    [
      'an address in brackets',
      address,
      '[::1]',
      'expected an IP address, got "[::1]": it stands without port and brackets',
    ],
    [
      'an address with a zone',
      address,
      'fe80::1%eth0',
      'expected an IP address, got "fe80::1%eth0": malformed IPv6 address',
    ],
    [
      'a name server by name',
      nameServer,
      'dns.example',
      'expected the address of a name server, got "dns.example": it is a name, and nobody is there yet to resolve it',
    ],
    [
      'a name server with port 0',
      nameServer,
      '192.0.2.1:0',
      'expected the address of a name server, got "192.0.2.1:0": port is not a number from 1 to 65535',
    ],
    ['two words in Via', pseudonym, 'a b', 'expected a name of one word, or off, got "a b"'],
    ['a line break in Via', pseudonym, 'a\r\nX: y', 'expected a name of one word, or off, got "a\\r\\nX: y"'],
    ['an empty pseudonym', pseudonym, '', 'expected a name of one word, or off, got ""'],
    ['on', pseudonym, true, 'expected a name of one word, or off, got true'],
    ['a list that is none', listOf(port, 'ports'), 443, 'expected a list of ports, got 443'],
    ['an empty list', someOf(port, 'ports'), [], 'the list of ports is empty'],
  ])('%s', (_, field, input, message) => {
    expect(read(field, input)).toEqual([message]);
  });
});

test('a host name as text is the canonical one or a reason', () => {
  expect(hostNameText('A.Example.')).toEqual({ ok: true, value: 'a.example' });
  expect(hostNameText('::1')).toEqual({ ok: false, reason: 'character not allowed in host' });
});
