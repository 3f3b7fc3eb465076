import { expect, test } from 'vitest';
import { MANAGER_CLIENTS } from '../../src/core/manager-options.ts';
import { TrustedSources } from '../../src/policy/trusted-sources.ts';

test('whoever asks from this machine may, and nobody else', () => {
  const clients = new TrustedSources(MANAGER_CLIENTS);
  const asked = ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '10.0.0.1', '128.0.0.1', '::2'];
  expect(asked.map((address) => clients.has(address))).toEqual([true, true, true, true, false, false, false]);
});
