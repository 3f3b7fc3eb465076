import { describe, expect, test } from 'vitest';
import { managerSchema } from '../../src/config/manager-schema.ts';
import { parseConfig } from '../../src/config/parse-config.ts';

test('by default it is for this machine, without a password', () => {
  expect(managerSchema.parse(undefined)).toEqual({ clients: ['127.0.0.0/8', '::1'] });
  expect(managerSchema.parse({})).toEqual(managerSchema.parse(undefined));
});

describe('a mistake', () => {
  test.each([
    ['clients that are no list', { clients: '10.0.0.1' }, 'clients', 'expected a list of addresses and ranges'],
    ['a client that is no text', { clients: [7] }, 'clients.0', 'expected an address or a range, got 7'],
    ['a password that YAML takes for a number', { password: 12345 }, 'password', 'expected text in quotes'],
    ['two passwords', { password: 'a', passwordFile: 'b' }, 'password', 'there is a passwordFile too'],
  ])('is told: %s', (_name, input, place, message) => {
    const parsed = managerSchema.safeParse(input);
    const [issue] = parsed.error?.issues ?? [];
    expect(issue?.path.join('.')).toBe(place);
    expect(issue?.message).toContain(message);
    expect(JSON.stringify(parsed.error?.issues)).not.toContain('12345');
  });
});

test.each([
  ['manager: { passwrd: a }', 'admin.manager.passwrd: unknown key "passwrd"'],
  [
    'manager: { clients: [10.0.0.0/99] }',
    'admin.manager.clients[0]: the prefix length of "10.0.0.0/99" is out of range',
  ],
  [
    'manager: { clients: [ten] }',
    'admin.manager.clients[0]: "ten" is not an IP address, nor a range such as 10.20.0.0/16',
  ],
])('%s is told with its line', (manager, problem) => {
  const parsed = parseConfig(`version: 1\nadmin:\n  ${manager}\n`, '/etc/sallyport/proxy.yaml');
  const told = parsed.ok ? [] : parsed.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`);
  expect(told).toEqual([`3 ${problem}`]);
});

test('a password file lies beside the config', () => {
  const parsed = parseConfig('version: 1\nadmin: { manager: { passwordFile: secret } }', '/etc/sallyport/proxy.yaml');
  expect(parsed.ok && parsed.config.admin.manager.passwordFile).toBe('/etc/sallyport/secret');
});
