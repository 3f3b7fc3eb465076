// What the command line foretells about a request is what a live proxy with the same config does with it, and logs.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Prediction, predict } from '../../src/cli/predict.ts';
import type { Config } from '../../src/config/config.ts';
import { parseAbsoluteTarget, type RequestTarget } from '../../src/core/target.ts';
import { LedgerFile } from '../../src/exceptions/ledger-file.ts';
import { httpOrigin, httpsOrigin, type Origin } from '../support/origin.ts';
import { parentAt, tunnellingParent } from '../support/parents.ts';
import { dialProxy, openRig, type Rig, type RigOptions, readAll, readUntil, rigConfig, say } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const NAMES = ['bump', 'splice', 'tunnel', 'end', 'no', 'page', 'close', 'api', 'post', 'other'];

/** Where nobody answers: port 9 is for discarding. */
const NO_NAME_SERVER = '127.0.0.1:9';

interface World {
  readonly rig: Rig;
  readonly config: Config;
}

let secure: Origin;
let open: Origin;
let enforcing: World;
let reporting: World;

beforeAll(async () => {
  const pair = ca.leaf({ san: [...NAMES.map((name) => `DNS:${name}.test`), 'IP:127.0.0.1'].join(',') });
  const answer: Parameters<typeof httpOrigin>[0] = (_, response) => void response.writeHead(200).end();
  secure = await httpsOrigin(pair, answer);
  open = await httpOrigin(answer);
  enforcing = await world('enforce');
  reporting = await world('report');
});
afterAll(async () => {
  for (const { rig } of [enforcing, reporting]) await rig.proxy.close(0);
  for (const origin of [secure, open]) await origin.close();
});

/** A proxy, and the config that the command line would find for it: with the port that it listens on. */
async function world(mode: 'enforce' | 'report'): Promise<World> {
  const options: RigOptions = {
    trust: [ca.rootFile],
    hosts: { ...Object.fromEntries(NAMES.map((name) => [`${name}.test`, '127.0.0.1'])), 'private.test': '10.0.0.1' },
    servers: [NO_NAME_SERVER],
    policy: {
      mode,
      connectPorts: [443, secure.port],
      httpPorts: [80, '1025-65535'],
      rules: [
        { name: 'bumped', hosts: ['bump.test', '127.0.0.1', 'nowhere.test'], action: 'allow' },
        { name: 'private', hosts: ['private.test', '169.254.169.254'], action: 'allow' },
        { name: 'spliced', hosts: ['splice.test', 'nowhere-spliced.test'], action: 'allow', tls: 'splice' },
        { name: 'tunnelled', hosts: ['tunnel.test'], action: 'allow', tls: 'tunnel' },
        { name: 'ended', hosts: ['end.test'], action: 'allow', tls: 'terminate' },
        { name: 'refused', hosts: ['no.test'], action: 'deny', refuse: 'connect' },
        { name: 'explained', hosts: ['page.test'], action: 'deny', refuse: 'page' },
        { name: 'closed', hosts: ['close.test'], action: 'deny', refuse: 'close' },
        { name: 'secrets', urls: [`https://api.test:${secure.port}/v2/secret/**`], action: 'deny' },
        {
          name: 'api',
          urls: [`https://api.test:${secure.port}/v2/**`, `http://api.test:${open.port}/v2/**`],
          action: 'allow',
        },
        { name: 'posts', hosts: ['post.test'], methods: ['POST'], action: 'allow' },
        { name: 'elsewhere', hosts: ['other.test'], clients: ['10.0.0.0/8'], action: 'allow' },
      ],
    },
  };
  const rig = await openRig(options);
  const config = rigConfig(rig.folder, options);
  return { rig, config: { ...config, listen: [{ address: '127.0.0.1', port: rig.port, names: [] }] } };
}

/** Does for real what was foretold, as a client that gives up where it is refused. */
async function live({ rig }: World, target: RequestTarget, method: string): Promise<void> {
  const { authority, path, query, scheme } = target;
  const host = `${authority.host}:${authority.port}`;
  const request = (url: string): string => `${method} ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  if (scheme === 'http') {
    await say(rig.port, request(`http://${host}${path}${query}`));
    return;
  }
  const socket = await dialProxy(rig.port);
  socket.once('end', () => socket.destroy());
  socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const head = await readUntil(socket, '\r\n\r\n').catch(() => 'closed');
  if (!head.startsWith('HTTP/1.1 200')) return;
  const servername = authority.kind === 'name' ? authority.host : '';
  const tls = connectTls({ socket, host: authority.host, servername, ca: [rig.ca, ca.root] });
  tls.write(request(path + query));
  await readAll(tls);
}

function targetOf(url: string): RequestTarget {
  const at = url.replace('SECURE', String(secure.port)).replace('OPEN', String(open.port));
  const target = parseAbsoluteTarget(at.replace('OWN', String(enforcing.rig.port)));
  if (!target.ok) throw new Error(target.reason);
  return target.value;
}

function foretold({ config }: World, url: string, method = 'GET'): Promise<Prediction> {
  return predict(config, { target: targetOf(url), client: '127.0.0.1', method });
}

const withoutClient = (line: string): string => line.slice(line.indexOf(' ') + 1);
const isDenial = (outcome: unknown): boolean => outcome === 'denied' || outcome === 'terminated';

/** Foretells, does it, and holds the two against each other. */
async function compare(where: World, url: string, method: string): Promise<Prediction> {
  const prediction = await foretold(where, url, method);
  const before = (await where.rig.entries(0)).length;
  await live(where, targetOf(url), method);
  const entries = (await where.rig.entries(before + prediction.log.length)).slice(before);
  const lines = (await where.rig.lines(before + prediction.log.length)).slice(before);
  expect(prediction.log.map(withoutClient)).toEqual(lines);
  for (const { step, rule, reason } of entries) {
    if (step !== undefined) expect(prediction.steps).toContainEqual(expect.objectContaining({ step, rule, reason }));
  }
  expect(prediction.allowed).toBe(!entries.some(({ outcome }) => isDenial(outcome)));
  expect(prediction.wouldDeny).toBe(entries.some(({ would_deny }) => would_deny === true));
  return prediction;
}

const ENFORCED: readonly [verdict: 'allowed' | 'denied', steps: string, url: string, method: string][] = [
  ['allowed', 'connect address hello request', 'https://bump.test:SECURE/a?secret=1', 'GET'],
  ['allowed', 'connect address hello request', 'https://bump.test:SECURE/a', 'HEAD'],
  ['allowed', 'connect address hello request', 'https://127.0.0.1:SECURE/', 'GET'],
  ['allowed', 'connect address hello', 'https://splice.test:SECURE/', 'GET'],
  ['allowed', 'connect address hello', 'https://tunnel.test:SECURE/', 'GET'],
  ['denied', 'connect', 'https://end.test:SECURE/', 'GET'],
  ['denied', 'connect', 'https://no.test:SECURE/', 'GET'],
  ['denied', 'connect', 'https://page.test:SECURE/x?y=1', 'GET'],
  ['denied', 'connect', 'https://close.test:SECURE/', 'GET'],
  ['denied', 'connect', 'https://nobody-knows.test/', 'GET'],
  ['denied', 'connect', 'https://bump.test:444/', 'GET'],
  ['denied', 'connect', 'https://other.test:SECURE/', 'GET'],
  ['allowed', 'connect address hello request', 'https://api.test:SECURE/v2/x', 'GET'],
  ['denied', 'connect address hello request', 'https://api.test:SECURE/v2/secret/x', 'GET'],
  ['denied', 'connect address hello request', 'https://api.test:SECURE/v1', 'GET'],
  ['denied', 'connect address hello request', 'https://post.test:SECURE/', 'GET'],
  ['allowed', 'connect address hello request', 'https://post.test:SECURE/', 'POST'],
  ['denied', 'connect address', 'https://private.test/', 'GET'],
  ['denied', 'connect address', 'https://169.254.169.254/latest/meta-data', 'GET'],
  ['allowed', 'connect address hello request', 'https://nowhere.test/', 'GET'],
  ['allowed', 'connect address', 'https://nowhere-spliced.test/', 'GET'],
  ['allowed', 'request address', 'http://bump.test:OPEN/a?secret=1', 'GET'],
  ['allowed', 'request address', 'http://api.test:OPEN/v2/', 'GET'],
  ['denied', 'request', 'http://api.test:OPEN/v1', 'GET'],
  ['denied', 'request', 'http://no.test:OPEN/', 'GET'],
  ['denied', 'request', 'http://page.test:OPEN/', 'GET'],
  ['denied', 'request', 'http://bump.test:81/', 'GET'],
  ['denied', 'request address', 'http://private.test/', 'GET'],
  ['allowed', 'request address', 'http://nowhere.test/', 'GET'],
  ['denied', 'request address', 'http://127.0.0.1:OWN/', 'GET'],
  ['allowed', 'connect hello', 'https://sallyport.internal/', 'GET'],
  ['allowed', 'connect hello', 'https://sallyport.internal:8443/ca.p12', 'GET'],
  ['allowed', 'connect hello', 'https://sallyport.internal/proxy.pac', 'GET'],
  ['allowed', 'connect hello', 'https://sallyport.internal/no-such-page', 'GET'],
  ['allowed', 'request', 'http://sallyport.internal/', 'GET'],
  ['allowed', 'request', 'http://sallyport.internal/ca.pem', 'GET'],
  ['allowed', 'request', 'http://sallyport.internal/no-such-page', 'GET'],
];

describe('in enforce mode', () => {
  let foreseen = 0;

  test.each(ENFORCED)('%s after %s: %s %s', async (verdict, steps, url, method) => {
    const prediction = await compare(enforcing, url, method);
    foreseen += prediction.log.length;
    expect(prediction.allowed).toBe(verdict === 'allowed');
    expect(prediction.steps.map(({ step }) => step).join(' ')).toBe(steps);
    expect(prediction.wouldDeny).toBe(false);
  });

  test('nothing was logged beyond what was foretold', async () => {
    expect((await enforcing.rig.lines(foreseen)).length).toBe(foreseen);
    expect(foreseen).toBeGreaterThan(ENFORCED.length);
  });
});

const REPORTED: readonly [wouldDeny: boolean, url: string][] = [
  [false, 'https://bump.test:SECURE/'],
  [true, 'https://no.test:SECURE/'],
  [true, 'https://page.test:SECURE/'],
  [true, 'https://end.test:SECURE/'],
  [true, 'https://api.test:SECURE/v1'],
  [true, 'http://no.test:OPEN/'],
];

describe('in report mode', () => {
  test.each(REPORTED)('would deny is %s: %s', async (wouldDeny, url) => {
    const prediction = await compare(reporting, url, 'GET');
    expect(prediction).toMatchObject({ allowed: true, wouldDeny });
  });

  test('an address that must not be dialled is refused all the same', async () => {
    expect(await compare(reporting, 'https://private.test/', 'GET')).toMatchObject({
      allowed: false,
      wouldDeny: false,
    });
  });
});

describe('a prediction', () => {
  test('names the step that had the last word', async () => {
    const { decided } = await foretold(enforcing, `https://api.test:SECURE/v2/secret/x`);
    expect(decided).toMatchObject({ step: 'request', action: 'deny', rule: 'secrets' });
    const forbidden = await foretold(enforcing, 'https://private.test/');
    expect(forbidden.decided).toMatchObject({ step: 'address', action: 'deny' });
    expect(forbidden.decided.reason).toContain('private address 10.0.0.1');
  });

  test('says what the policy thinks where the name does not resolve', async () => {
    const { steps, decided } = await foretold(enforcing, 'https://nowhere.test/');
    expect(steps[1]).toMatchObject({ step: 'address', action: 'unknown' });
    expect(decided).toMatchObject({ step: 'request', action: 'allow', rule: 'bumped' });
  });

  test('is for the client that is asked about', async () => {
    const asked = { target: targetOf('https://other.test:SECURE/'), method: 'GET' };
    expect(await predict(enforcing.config, { ...asked, client: '10.1.2.3' })).toMatchObject({ allowed: true });
    const { allowed, log } = await predict(enforcing.config, { ...asked, client: '192.0.2.1' });
    expect(allowed).toBe(false);
    expect(log[0]).toMatch(/^192\.0\.2\.1 TCP_DENIED\/403 N CONNECT other\.test:/);
  });

  test('leaves the origin alone', async () => {
    const accepted = secure.accepted + open.accepted;
    await foretold(enforcing, 'https://bump.test:SECURE/');
    await foretold(enforcing, 'https://splice.test:SECURE/');
    await foretold(enforcing, 'http://bump.test:OPEN/');
    expect(secure.accepted + open.accepted).toBe(accepted);
  });
});

test('an exception that holds is foretold, for its client alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'predict-'));
  const rejections = {
    onReject: 'splice',
    state: join(folder, 'state.json'),
    audit: join(folder, 'audit.log'),
  } as const;
  const time = Date.now();
  const seen = {
    host: 'bump.test',
    port: secure.port,
    time,
    begin: time,
    alert: 'none',
    confidence: 'likely',
  } as const;
  await new LedgerFile(rejections).update((ledger) => {
    const [, , third] = [1, 2, 3].map(() =>
      ledger.reject({ ...seen, client: '10.0.0.5', rule: 'x', byName: true }, true),
    );
    return third?.made ? [third.made] : [];
  });
  const target = parseAbsoluteTarget(`https://bump.test:${secure.port}/`);
  if (!target.ok) throw new Error(target.reason);
  const steps = async (client: string) => {
    const { steps: all } = await predict(
      { ...enforcing.config, rejections },
      { client, method: 'GET', target: target.value },
    );
    return all[0];
  };
  expect(await steps('10.0.0.5')).toMatchObject({
    tls: 'splice',
    reason: expect.stringContaining('by exception unread until'),
  });
  expect(await steps('10.0.0.6')).toMatchObject({ tls: 'bump' });
});

test('a request through a parent is foretold as it goes', async () => {
  const parent = await tunnellingParent();
  const options: RigOptions = {
    trust: [ca.rootFile],
    servers: [NO_NAME_SERVER],
    parents: [parentAt(parent.port), parentAt(9, { name: 'spare' })],
    routes: [{ via: ['hq', 'spare', 'direct'], choose: 'inOrder' }],
    policy: { rules: [{ name: 'bumped', hosts: ['bump.test'], action: 'allow' }] },
  };
  const rig = await openRig(options);
  onTestFinished(() => rig.proxy.close(0));
  const { steps } = await compare({ rig, config: rigConfig(rig.folder, options) }, 'https://bump.test:SECURE/x', 'GET');
  const reason = 'through the parent hq, else spare; directly while none lives';
  expect(steps).toContainEqual({ step: 'address', action: 'allow', reason });
});
