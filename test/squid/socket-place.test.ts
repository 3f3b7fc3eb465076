import { expect, test } from 'vitest';
import { socketBeside } from '../../src/squid/socket-place.ts';

test('the control socket is beside the pid file', () => {
  expect(socketBeside('/run/squid/squid.pid')).toBe('/run/squid/sallyport.sock');
});
