// What one line of the access log costs: printing it in each format, escaping a hostile URL, and writing it to a file.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, do_not_optimize, run, summary } from 'mitata';
import { AccessLog } from '../../src/log/access-log.ts';
import { LOG_FORMATS, logFormat } from '../../src/log/log-format.ts';
import { makeEntry } from '../../test/support/log-entries.ts';

const ordinary = makeEntry({
  url: 'https://api.example.com/v2/items/17/attachments?sig=abcdef&expires=1795330020',
  contentType: 'application/json; charset=utf-8',
  referer: 'https://www.example.com/list?page=2',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  outcome: 'forwarded',
  tunnel: 'abcdefgh-2',
  exchange: 'abcdefgh-3',
  action: 'allow',
  step: 'request',
  rule: 'api',
  reason: 'the rule api allows it',
  tls: 'bump',
  sni: 'api.example.com',
  clientTls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  upstreamTls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  timings: { dns: 1, connect: 2, tls: 9, firstByte: 30 },
});
const hostile = makeEntry({ url: `https://h.test/${'\x1b"\xff '.repeat(2000)}` });

summary(() => {
  for (const name of LOG_FORMATS) {
    const print = logFormat(name);
    bench(`print ${name}`, () => do_not_optimize(print(ordinary)));
  }
  bench('print squid, 8 KB of hostile URL', () => do_not_optimize(logFormat('squid')(hostile)));
});

const folder = mkdtempSync(join(tmpdir(), 'access-line-'));
const log = AccessLog.open([{ path: join(folder, 'access.log'), format: 'squid' }], (error) => {
  throw error;
});
const LINES = 25;
// Yields once per write of the file, as a busy worker does, so that the file can keep up and memory stays bounded.
bench(`print and write ${LINES} squid lines`, async () => {
  for (let count = 0; count < LINES; count += 1) log.write(ordinary);
  await new Promise(setImmediate);
});

await run();
const lost = log.lost;
await log.close();
rmSync(folder, { recursive: true });
process.stdout.write(`lines lost while measuring: ${lost}\n`);
