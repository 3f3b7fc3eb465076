// What becomes of tunnels that pass unread when the policy is another.

import { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseAuthority } from '../../src/core/authority.ts';
import type { Permit } from '../../src/core/decision.ts';
import { beginTunnel } from '../../src/core/session.ts';
import { type OnReload, OpenTunnels, type Passing } from '../../src/flow/open-tunnels.ts';
import { WantingOrigins } from '../../src/flow/wanting-origins.ts';
import { compilePolicy, type RuleOptions } from '../../src/policy/policy.ts';

function services(rules: readonly RuleOptions[]) {
  const compiled = compilePolicy({
    mode: 'enforce',
    default: 'deny',
    connectPorts: [443],
    httpPorts: [80],
    tls: 'bump',
    refuse: 'connect',
    rules,
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const wanting = new WantingOrigins();
  return { policy: compiled.policy, auth: undefined, rejections: undefined, wanting, identities: undefined };
}

const rule = (more: Partial<RuleOptions>): RuleOptions => ({ name: 'r', hosts: ['a.test'], action: 'allow', ...more });

function socket(): Socket {
  const made = new Socket();
  onTestFinished(() => void made.destroy());
  return made;
}

interface Opened {
  readonly socket: Socket;
  readonly passing: Passing;
}

function authority() {
  const parsed = parseAuthority('a.test:443');
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

function spliced(tunnels: OpenTunnels, by = services([])): Opened {
  const permit: Permit = {
    action: 'allow',
    step: 'connect',
    authority: authority(),
    rule: 'old',
    reason: 'so it was',
    tls: 'splice',
    deferred: false,
    wouldDeny: false,
  };
  const tunnel = beginTunnel(permit.authority, permit, 0);
  tunnel.client = '10.0.0.1';
  const made = socket();
  return { socket: made, passing: tunnels.add(made, tunnel, by) };
}

function upgraded(tunnels: OpenTunnels, by = services([])): Opened {
  const target = { scheme: 'https', authority: authority(), path: '/chat', query: '' } as const;
  const made = socket();
  const open = { client: '10.0.0.1', method: 'GET', target, identity: undefined, protocols: ['websocket'] };
  return { socket: made, passing: tunnels.addUpgrade(made, open, by) };
}

describe.each([
  ['a spliced tunnel', spliced, { tls: 'splice' }],
  ['a WebSocket', upgraded, {}],
] as const)('%s', (_, open, passing) => {
  test.each<[sentence: string, onReload: OnReload, rules: readonly RuleOptions[], failure: string | undefined]>([
    ['is kept, whatever the policy says', 'keep', [], undefined],
    ['is cut, whatever the policy says', 'cut', [rule(passing)], 'policy.onReload is cut.'],
    ['goes on where the policy still lets it', 'recheck', [rule(passing)], undefined],
    ['is cut where the policy denies it', 'recheck', [rule({ action: 'deny' })], 'Denied by "r": '],
    ['is cut where no rule is for it', 'recheck', [], 'Denied by "default": '],
    [
      'is cut where the rule is for others',
      'recheck',
      [rule({ clients: ['10.9.0.0/16'], ...passing })],
      'Denied by "default": ',
    ],
  ])('%s', (_sentence, onReload, rules, failure) => {
    const tunnels = new OpenTunnels();
    const made = open(tunnels);
    expect(tunnels.size).toBe(1);
    expect(tunnels.review(services(rules), onReload)).toBe(failure === undefined ? 0 : 1);
    expect(made.socket.destroyed).toBe(failure !== undefined);
    const cut = made.passing.end();
    expect([cut?.code, cut?.detail]).toEqual(
      failure === undefined ? [undefined, undefined] : ['config-changed', expect.stringContaining(failure)],
    );
    expect(tunnels.size).toBe(0);
    // One that was being set up meanwhile fares the same.
    const late = open(tunnels);
    expect(late.socket.destroyed).toBe(failure !== undefined);
    expect(late.passing.end()?.detail).toEqual(cut?.detail);
  });

  test('that was decided on by what is in force is not looked at again', () => {
    const tunnels = new OpenTunnels();
    const now = services([rule({ action: 'deny' })]);
    tunnels.review(now, 'recheck');
    expect(open(tunnels, now).socket.destroyed).toBe(false);
    tunnels.review(now, 'cut');
    expect(open(tunnels, now).socket.destroyed).toBe(false);
  });
});

test('a spliced tunnel that would be decrypted now is cut', () => {
  const tunnels = new OpenTunnels();
  const made = spliced(tunnels);
  expect(tunnels.review(services([rule({ tls: 'bump' })]), 'recheck')).toBe(1);
  expect(made.passing.end()?.detail).toBe('By rule "r" it does not pass unread any more.');
});

test('a WebSocket that no rule grants any more is cut', () => {
  const tunnels = new OpenTunnels();
  const made = upgraded(tunnels);
  expect(tunnels.review(services([rule({ upgrades: [] })]), 'recheck')).toBe(1);
  expect(made.passing.end()?.code).toBe('config-changed');
});

test('a drain ends them all', () => {
  const tunnels = new OpenTunnels();
  const made = [spliced(tunnels), upgraded(tunnels)];
  tunnels.destroyAll();
  expect(made.map(({ socket }) => socket.destroyed)).toEqual([true, true]);
});
