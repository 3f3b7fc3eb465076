// Whether a proxy runs, and whether by what its config says now.

import { describe, expect, test } from 'vitest';
import { checkRunning } from '../../../src/cli/doctor/running.ts';
import { fakeOperator, STATUS, unservedConfig } from '../../support/fake-operator.ts';

async function found(more: object = {}) {
  const { config } = await fakeOperator({ '/v1/status': { ...STATUS, ...more } });
  return checkRunning(config);
}

const reload = { at: '2027-01-02T03:04:05.000Z', by: 'SIGHUP' };

describe('a proxy', () => {
  test('that runs is known by its process', async () => {
    const { pid, findings } = await found();
    expect(pid).toBe(4711);
    expect(findings).toMatchObject([
      { state: 'ok', reason: expect.stringMatching(/^1\.2\.3 is running for .*4711.*3 connections$/) },
    ]);
  });

  test.each([
    [{ state: 'draining' }, ['warning']],
    [{ reload: { ...reload, ok: true, generation: 2, changed: [], waiting: [] } }, ['ok']],
    [{ reload: { ...reload, ok: true, generation: 2, changed: ['listen'], waiting: ['listen'] } }, ['ok', 'warning']],
    [{ reload: { ...reload, ok: false, code: 'config-invalid', error: 'x.yaml:1:1 no' } }, ['ok', 'failed']],
  ])('that says %j', async (more, states) => {
    const { findings } = await found(more);
    expect(findings.map(({ state }) => state)).toEqual(states);
  });

  test('that does not run is no fault', async () => {
    const { pid, findings } = await checkRunning(unservedConfig());
    expect(pid).toBeUndefined();
    expect(findings).toEqual([{ check: 'proxy', state: 'ok', reason: 'none runs with this config' }]);
  });

  test('that cannot be asked is left out', async () => {
    const { findings } = await checkRunning(unservedConfig('admin: { socket: off }'));
    expect(findings).toMatchObject([{ state: 'skipped' }]);
  });
});
