import { expect, test } from 'vitest';
import { info } from '../../../src/admin/manager/info.ts';
import { sources } from './sources.ts';

const client = {
  address: '10.0.0.1',
  tags: { NONE_NONE: 0, TCP_MISS: 1, TCP_TUNNEL: 0, TCP_DENIED: 0 },
  bytes: 1,
  open: 1,
  last: 1,
};
const text = info(sources({ listing: { clients: [client] } }));

test.each([
  ['Squid Object Cache: Version 5.7-sallyport-1.2.3'],
  ['Start Time:\tSun, 22 Nov 2026 09:50:00 GMT'],
  ['\tNumber of clients accessing cache:\t1'],
  ['\tNumber of HTTP requests received:\t100'],
  ['\tRequest failure ratio:\t 0.10'],
  ['\tAverage HTTP requests per minute since start:\t10.0'],
  ['\tHTTP Requests (All):   0.07500  0.07500'],
  ['\tUP Time:\t600.000 seconds'],
  ['\tCPU Time:\t30.000 seconds'],
  ['\tCPU Usage:\t5.00%'],
  ['\tMaximum Resident Size: 102400 KB'],
  ['\tMaximum number of file descriptors:   2048'],
  ['\tNumber of file desc currently in use:   40'],
  ['\tAvailable number of file descriptors: 2008'],
  ['\t     4 StoreEntries'],
])('the report says %j', (line) => {
  expect(text.split('\n')).toContain(line);
});
