// The `admin` section: where its socket is, and what a mistake in it is called.

import { describe, expect, test } from 'vitest';
import { adminSchema, socketOf } from '../../src/config/admin-schema.ts';
import { parseConfig } from '../../src/config/parse-config.ts';

describe('the control socket', () => {
  test.each<[object, string | undefined]>([
    [{}, 'run/sallyport.sock'],
    [{ socket: 'a.sock' }, 'a.sock'],
    [{ socket: 'off' }, undefined],
    [{ socket: false }, undefined],
  ])('of %j is %s', (section, socket) => {
    expect(socketOf(adminSchema.parse(section))).toBe(socket);
  });
});

describe('the section in a config', () => {
  const read = (text: string) => parseConfig(`version: 1\n${text}`, '/etc/p/proxy.yaml');

  test('is made absolute', () => {
    const parsed = read('admin: { socket: s, listen: "[::1]:9128", tokenFile: t }');
    expect(parsed.ok && parsed.config.admin).toMatchObject({
      socket: '/etc/p/s',
      named: true,
      listen: { address: '::1', port: 9128 },
      tokenFile: '/etc/p/t',
    });
  });

  test('has a default, which nobody has named', () => {
    const parsed = read('');
    expect(parsed.ok && parsed.config.admin).toMatchObject({
      socket: '/etc/p/run/sallyport.sock',
      named: false,
      listen: undefined,
      tokenFile: undefined,
    });
  });

  test.each<[text: string, problem: string]>([
    ['admin: { sokcet: s }', '2:10 admin.sokcet: unknown key "sokcet"'],
    ['admin: { socket: 1 }', '2:18 admin.socket: expected a path, or off, got 1'],
    [
      `admin: { socket: ${'x'.repeat(120)} }`,
      '2:18 admin.socket: the path of a socket has at most 107 bytes, and this one needs 127',
    ],
    [
      'admin: { listen: localhost:1 }',
      '2:18 admin.listen: expected an address with a port, such as 127.0.0.1:9128, got "localhost:1": it is a name',
    ],
    [
      'admin: { listen: 127.0.0.1 }',
      '2:18 admin.listen: expected an address with a port, such as 127.0.0.1:9128, got "127.0.0.1": port is missing',
    ],
    ['admin: { tokenFile: 1 }', '2:21 admin.tokenFile: expected a path, got 1'],
  ])('%s', (text, problem) => {
    const parsed = read(text);
    const problems = parsed.ok
      ? []
      : parsed.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
    expect(problems).toEqual([problem]);
  });
});
