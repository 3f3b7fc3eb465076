// What goes on in a process, row by row.

import { describe, expect, test } from 'vitest';
import { EMPTY_LISTING, joinListings } from '../../src/flow/listing.ts';
import { httpOrigin, httpsOrigin } from '../support/origin.ts';
import { dialProxy, say, startRig, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = new TestCa();
const report = (port: number, name: string) => say(port, `GET cache_object://localhost/${name} HTTP/1.0\r\n\r\n`);

describe('a request under way', () => {
  test('is told with its URL, without its query, for as long as it lasts', async () => {
    let finish = (): void => undefined;
    const origin = await httpOrigin((_request, response) => {
      finish = () => response.end('late');
    });
    const rig = await startRig({ policy: { default: 'allow' }, hosts: { 'ok.test': '127.0.0.1' } });
    const client = await dialProxy(rig.port);
    const url = `http://ok.test:${origin.port}/slow`;
    client.write(`GET ${url}?token=secret HTTP/1.1\r\nHost: ok.test:${origin.port}\r\n\r\n`);
    await until(() => origin.accepted === 1, 'the request at the origin');
    const during = await report(rig.port, 'active_requests');
    expect(during).toContain(`\nuri ${url}?\nlogType TCP_MISS\n`);
    expect(during).not.toContain('secret');
    finish();
    client.destroy();
    await rig.lines(2);
    expect(await report(rig.port, 'active_requests')).not.toContain(url);
    await origin.close();
  });

  test('that is a spliced tunnel is told as one', async () => {
    const origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), () => undefined);
    const policy = { rules: [{ name: 'pass', hosts: ['.test'], action: 'allow' as const, tls: 'splice' as const }] };
    const rig = await startRig({ policy, hosts: { 'ok.test': '127.0.0.1' } });
    const tls = await tlsThrough(rig.port, `ok.test:${origin.port}`, { ca: ca.root });
    expect(await report(rig.port, 'active_requests')).toContain(`\nuri ok.test:${origin.port}\nlogType TCP_TUNNEL\n`);
    tls.destroy();
    await rig.lines(2);
    expect(await report(rig.port, 'active_requests')).not.toContain('TCP_TUNNEL');
    await origin.close();
  });
});

test('the rows of several processes are one list', () => {
  const names = [{ host: 'a.test', addresses: ['192.0.2.1'], ttl: 1 }];
  const files = [{ fd: 1, kind: 'Pipe' as const, name: 'pipe:[1]', pid: 1 }];
  const joined = joinListings([
    { ...EMPTY_LISTING, names },
    { ...EMPTY_LISTING, files },
    { ...EMPTY_LISTING, names },
  ]);
  expect([joined.names.length, joined.files.length, joined.requests.length]).toEqual([2, 1, 0]);
});
