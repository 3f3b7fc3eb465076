import { describe, expect, test } from 'vitest';
import {
  activeRequests,
  clientList,
  fileDescriptors,
  ipCache,
  sslCertificates,
} from '../../../src/admin/manager/lists.ts';
import { NOW, sources } from './sources.ts';

const request = {
  id: 'abc-1',
  client: '10.0.0.1:5000',
  local: '10.0.0.9:3128',
  method: 'GET',
  url: 'https://a.test/x',
  user: 'a b',
  begin: NOW - 1_500,
  age: 1_500,
  received: 100,
  sent: 2_000,
  requests: 3,
};

test('an active request is told as Squid tells it', () => {
  expect(activeRequests(sources({ listing: { requests: [request] } }))).toBe(
    [
      'Connection: abc-1',
      '\tFD 0, read 100, wrote 2000',
      '\tFD desc: GET https://a.test/x',
      '\tin: buf 0x0, used 0, free 0',
      '\tremote: 10.0.0.1:5000',
      '\tlocal: 10.0.0.9:3128',
      '\tnrequests: 3',
      'uri https://a.test/x',
      'logType TCP_MISS',
      'out.offset 0, out.size 2000',
      'req_sz 100',
      'entry 0x0/N/A',
      'start 1795341598.500000 (1.500000 seconds ago)',
      'username a%20b',
      'delay_pool 0',
      '',
      '',
    ].join('\n'),
  );
});

test('a client is told with its tags and what it has open', () => {
  const clients = [
    {
      address: '10.0.0.1',
      tags: { NONE_NONE: 0, TCP_MISS: 3, TCP_TUNNEL: 0, TCP_DENIED: 1 },
      bytes: 10,
      open: 1,
      last: NOW,
    },
  ];
  expect(clientList(sources({ listing: { clients } }))).toBe(
    [
      'Cache Clients:',
      'Address: 10.0.0.1',
      'Name:    10.0.0.1',
      'Currently established connections: 1',
      '    ICP  Requests 0',
      '    HTTP Requests 4',
      '        TCP_MISS                   3  75%',
      '        TCP_DENIED                 1  25%',
      '',
      'TOTALS',
      'ICP : 0 Queries, 0 Hits (  0%)',
      'HTTP: 4 Requests, 0 Hits (  0%)',
      '',
    ].join('\n'),
  );
});

describe('a descriptor', () => {
  const files = [
    { fd: 3, kind: 'File' as const, name: '/var/log/access.log', pid: 7 },
    { fd: 12, kind: 'Socket' as const, name: 'socket:[1]', local: '10.0.0.9:3128', remote: '0.0.0.0:0', pid: 7 },
    { fd: 13, kind: 'Socket' as const, name: 'socket:[2]', local: '10.0.0.9:3128', remote: '10.0.0.1:5000', pid: 7 },
  ];

  test('is told in the columns of Squid', () => {
    const lines = fileDescriptors(sources({ listing: { files } }))
      .trimEnd()
      .split('\n');
    expect(lines.slice(3)).toEqual([
      '   3 File      0       0        0                        /var/log/access.log',
      '  12 Socket    0       0        0  10.0.0.9:3128         HTTP Socket',
      '  13 Socket    0       0        0  10.0.0.1:5000         from 10.0.0.9:3128',
    ]);
  });

  test('of one of several processes says of which', () => {
    const other = { fd: 3, kind: 'Pipe' as const, name: 'pipe:[9]', pid: 8 };
    expect(fileDescriptors(sources({ listing: { files: [...files, other] } }))).toContain('pipe:[9] (process 8)\n');
  });
});

test('names are told with what is left of their life', () => {
  const names = [
    { host: 'a.test', addresses: ['192.0.2.1', '2001:db8::1'], ttl: 59_600 },
    { host: 'gone.test', addresses: [], ttl: 4_000 },
  ];
  const lines = ipCache(sources({ listing: { names } })).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'IPcache Entries Cached:  2',
      'IPcache Requests: 10',
      'IPcache Hits:            6',
      'IPcache Misses:          4',
      ' a.test                                   0     60  2( 0) 192.0.2.1 2001:db8::1',
      ' gone.test                        N       0      4  0( 0)',
    ]),
  );
});

test('the leaves that are held stand for the certificates of Squid', () => {
  expect(sslCertificates(sources()).split('\n')[2]).toBe('3128\t262144\t4\t30\t120\t262024');
});
