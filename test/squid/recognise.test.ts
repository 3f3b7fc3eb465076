import { expect, test } from 'vitest';
import { isSquidConf } from '../../src/squid/recognise.ts';

test.each([
  ['/etc/squid/squid.conf', '', true],
  ['squid-office.conf', 'x', true],
  ['proxy.conf', '# a\n\nhttp_port 3128\n', true],
  ['proxy.conf', 'acl a src all', true],
  ['sallyport.yaml', 'version: 1\n', false],
  ['sallyport.yaml', '# http_port 3128\nversion: 1\n', false],
  ['x.yaml', 'via: off', false],
  ['x.yaml', 'nonsense here', false],
  ['mysquid.yaml', 'version: 1', false],
])('%s with %j: %s', async (file, text, is) => {
  expect(await isSquidConf(file, text)).toBe(is);
});
