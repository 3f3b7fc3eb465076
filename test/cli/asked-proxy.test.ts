// What a proxy says of itself is believed only as far as it has the form that this program gives it.

import { describe, expect, test } from 'vitest';
import { AskedProxy } from '../../src/cli/asked-proxy.ts';
import { ACTIVITY, type Answers, fakeOperator, type Place, STATUS, unservedConfig } from '../support/fake-operator.ts';

async function asked(answers: Answers, place?: Place): Promise<{ config: string; proxy: AskedProxy }> {
  const { config } = await fakeOperator(answers, place);
  const found = await AskedProxy.find(config);
  if (found.state !== 'answered') throw new Error(found.reason);
  return { config, proxy: found.value };
}

const proxyThatSays = async (answers: Answers): Promise<AskedProxy> => (await asked(answers)).proxy;

describe('a proxy that runs', () => {
  test('is asked by its control socket', async () => {
    const answers = { '/v1/status': STATUS, '/v1/activity': ACTIVITY, '/metrics': 'a_total 3\n' };
    const { config, proxy } = await asked(answers);
    expect(await proxy.status()).toEqual({ state: 'answered', value: { ...STATUS, config } });
    expect(await proxy.activity()).toEqual({ state: 'answered', value: ACTIVITY });
    const samples = await proxy.samples();
    expect(samples.state === 'answered' && samples.value.get('a_total')).toEqual([{ labels: {}, value: 3 }]);
  });

  test('from a squid.conf is asked beside its pid file', async () => {
    const text = 'http_port 3128\npid_filename pids/squid.pid\n';
    const place = { file: 'squid.conf', text, socket: 'pids/sallyport.sock' };
    const { config, proxy } = await asked({ '/v1/status': STATUS }, place);
    expect(await proxy.status()).toMatchObject({ state: 'answered', value: { config } });
  });

  test('with another config that has the same socket is not the one', async () => {
    const proxy = await proxyThatSays({ '/v1/status': { ...STATUS, config: '/etc/other.yaml' } });
    expect(await proxy.status()).toEqual({
      state: 'gone',
      reason: expect.stringMatching(/^the one at \S+sallyport\.sock runs with \/etc\/other\.yaml$/),
    });
  });

  test.each([
    ['nothing', {}],
    ['a status that lacks something', { '/v1/status': { ...STATUS, ca: undefined } }],
    ['addresses that are none', { '/v1/status': { ...STATUS, addresses: [{ port: '1' }] } }],
    ['a list', { '/v1/status': [] }],
    ['an error', { '/v1/status': 503 }],
  ])('that says %s is not believed', async (_, answers) => {
    const proxy = await proxyThatSays(answers);
    expect(await proxy.status()).toMatchObject({ state: 'deaf', reason: expect.stringContaining('does not say') });
  });

  test('that says no JSON is not believed', async () => {
    const proxy = await proxyThatSays({ '/v1/status': '{', '/v1/activity': { ...ACTIVITY, hosts: [1] } });
    expect(await proxy.status()).toMatchObject({ state: 'deaf', reason: expect.stringContaining('JSON') });
    expect(await proxy.activity()).toMatchObject({ state: 'deaf' });
  });
});

test('where none runs that is told apart', async () => {
  const found = await AskedProxy.find(unservedConfig());
  if (found.state !== 'answered') throw new Error(found.reason);
  expect(await found.value.status()).toMatchObject({
    state: 'gone',
    reason: expect.stringContaining('sallyport.sock'),
  });
});

test('a config without a control socket leaves nobody to ask', async () => {
  const found = await AskedProxy.find(unservedConfig('admin: { socket: off }'));
  expect(found).toMatchObject({ state: 'deaf', reason: expect.stringContaining('no control socket') });
});
