import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { AddressGuard, parseAllowAddresses } from '../../src/policy/address-guard.ts';

const closed = new AddressGuard({ allowAddresses: [] });

describe('the address guard', () => {
  test.each(['8.8.8.8', '2606:4700:4700::1111'])('lets %s be dialled', (address) => {
    expect(closed.check(address, 443)).toEqual({ ok: true });
  });

  test.each([
    ['127.0.0.1', 'loopback address 127.0.0.1'],
    ['169.254.169.254', 'link-local address (instance metadata) 169.254.169.254; add it to NO_PROXY'],
    ['::ffff:10.0.0.1', 'private address 10.0.0.1, written as IPv4-mapped address ::ffff:10.0.0.1'],
    ['fe80::1%eth0', 'address with a zone id fe80::1%eth0'],
    ['2606:4700::1%1', 'address with a zone id 2606:4700::1%1'],
    ['localhost', '"localhost" is not an IP address'],
    ['127.1', '"127.1" is not an IP address'],
    ['0177.0.0.1', '"0177.0.0.1" is not an IP address'],
    ['8.8.8.8%x', '"8.8.8.8%x" is not an IP address'],
    ['', '"" is not an IP address'],
  ])('refuses %j: %s', (address, reason) => {
    expect(closed.check(address, 443)).toEqual({ ok: false, reason });
  });

  test.each([
    ['10.20.0.0/16', '10.20.3.4', undefined],
    ['10.20.0.0/16', '::ffff:10.20.3.4', undefined],
    ['10.20.0.0/16', '10.21.3.4', 'private address 10.21.3.4'],
    ['127.0.0.2', '127.0.0.2', undefined],
    ['127.0.0.2', '127.0.0.1', 'loopback address 127.0.0.1'],
    ['168.63.129.16', '168.63.129.16', undefined],
    ['::1', '::1', undefined],
    ['::/0', '10.0.0.1', 'private address 10.0.0.1'],
    ['64:ff9b::/96', '64:ff9b::8.8.8.8', undefined],
    ['64:ff9b::/96', '64:ff9b::10.0.0.1', 'private address 10.0.0.1'],
    ['2002::/16', '2002:a9fe:a9fe::1', 'link-local address (instance metadata) 169.254.169.254; add it to NO_PROXY'],
  ])('with %s opened, %s is refused for: %s', (range, address, reason) => {
    const guard = new AddressGuard({ allowAddresses: [range] });
    expect(guard.check(address, 443)).toEqual(reason === undefined ? { ok: true } : { ok: false, reason });
  });

  test('our own listeners are refused as a loop, whatever is opened and however it is written', () => {
    const guard = new AddressGuard({
      allowAddresses: ['0.0.0.0/0', '::/0'],
      isOwn: (address, port) => (address === '127.0.0.1' || address === '203.0.113.9') && port === 3128,
    });
    const loop = (address: string) => ({ ok: false, reason: `loop: ${address} port 3128 is this proxy itself` });
    expect(guard.check('127.0.0.1', 3128)).toEqual(loop('127.0.0.1'));
    expect(guard.check('::ffff:127.0.0.1', 3128)).toEqual(loop('::ffff:127.0.0.1'));
    expect(guard.check('203.0.113.9', 3128)).toEqual(loop('203.0.113.9'));
    expect(guard.check('64:ff9b::203.0.113.9', 3128)).toEqual(loop('64:ff9b::203.0.113.9'));
    expect(guard.check('127.0.0.1', 443)).toEqual({ ok: true });
  });

  test('an address of ours is refused as a loop even where it is global', () => {
    const guard = new AddressGuard({ allowAddresses: [], isOwn: (address) => address === '8.8.8.8' });
    expect(guard.check('8.8.8.8', 80)).toEqual({ ok: false, reason: 'loop: 8.8.8.8 port 80 is this proxy itself' });
  });

  test('no spelling of a refused IPv4 address inside IPv6 gets through', () => {
    const wrap = fc.constantFrom<(hex: string) => string>(
      (hex) => `::ffff:${hex}`,
      (hex) => `::${hex}`,
      (hex) => `64:ff9b::${hex}`,
      (hex) => `2002:${hex}::1`,
      (hex) => `::ffff:0:${hex}`,
    );
    const inner = fc.tuple(fc.constantFrom(10, 127), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(wrap, inner, (form, [a, b, c, d]) => {
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        expect(closed.check(form(hex), 443)).toMatchObject({
          ok: false,
          reason: expect.stringContaining(`${a}.${b}.${c}.${d}, written as`),
        });
      }),
    );
  });
});

describe('the ranges that are opened', () => {
  test('tell each mistake with its place in the list', () => {
    expect(parseAllowAddresses(['10.0.0.0/8', '10.1.2.3/8', 'vm.internal'])).toEqual({
      ok: false,
      problems: [
        { path: [1], message: '"10.1.2.3/8" has bits set beyond its prefix length', suggestion: 'write "10.0.0.0/8"' },
        { path: [2], message: '"vm.internal" is not an IP address, nor a range such as 10.20.0.0/16' },
      ],
    });
  });

  test('a guard is not made with a range that cannot be read', () => {
    expect(() => new AddressGuard({ allowAddresses: ['10/8'] })).toThrow(
      new ProxyError('config-invalid', '"10/8" is not an IP address, nor a range such as 10.20.0.0/16'),
    );
  });
});

describe('an address that was looked at before', () => {
  test('is judged alike, also when so many were that the memory is begun anew', () => {
    const guard = new AddressGuard({ allowAddresses: ['10.0.0.0/8'] });
    for (let i = 0; i < 5_000; i += 1) {
      for (let again = 0; again < 2; again += 1) {
        expect(guard.check(`10.0.${i >> 8}.${i & 255}`, 443)).toEqual({ ok: true });
        expect(guard.check(`192.168.${i >> 8}.${i & 255}`, 443)).toMatchObject({ ok: false });
      }
    }
  });

  test.each(['10.0.0.7', '64:ff9b::a00:7'])('is asked for as one of ours each time, with the port: %s', (address) => {
    const own = new Set<string>();
    const allowAddresses = ['10.0.0.0/8', '64:ff9b::/96'];
    const guard = new AddressGuard({ allowAddresses, isOwn: (host, port) => own.has(`${host} ${port}`) });
    expect(guard.check(address, 443)).toEqual({ ok: true });
    own.add('10.0.0.7 443');
    const loop = { ok: false, reason: `loop: ${address} port 443 is this proxy itself` };
    expect(guard.check(address, 443)).toEqual(loop);
    expect(guard.check(address, 3128)).toEqual({ ok: true });
    own.clear();
    expect(guard.check(address, 443)).toEqual({ ok: true });
  });
});
