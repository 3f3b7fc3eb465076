import { describe, expect, test } from 'vitest';
import { compileLayout } from '../../src/log/layout.ts';
import { LOG_CONTENT } from '../../src/squid/log-content.ts';
import { makeEntry } from '../support/log-entries.ts';
import { importLines } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];

async function noteOn(line: string) {
  const { notes } = await importLines(...BASE, line);
  const name = line.split(' ')[0] ?? '';
  expect(Object.keys(LOG_CONTENT)).toContain(name);
  return notes.filter(({ about }) => about === name);
}

const url = 'https://a.test/p?q=1&token=abc';
const printed = (layout: string) => {
  const compiled = compileLayout(layout);
  if (!compiled.ok) throw new Error(compiled.reason);
  const requestFields = ['Host', 'a.test', 'Cookie', 'c=1'];
  return compiled.value.printer()(makeEntry({ url, more: { requestFields, replyFields: ['Server', '[x]'] } }));
};

describe('what Squid is told to write', () => {
  test.each([
    ['strip_query_terms on', 'not-needed'],
    ['strip_query_terms off', 'lost'],
    ['log_mime_hdrs off', 'not-needed'],
    ['log_mime_hdrs on', 'lost'],
    ['referer_log none', 'not-needed'],
    ['referer_log /x/referer.log', 'lost'],
    ['referrer_log /x/referer.log', 'lost'],
    ['useragent_log /x/agent.log', 'lost'],
  ])('%s: %s', async (line, kind) => {
    expect(await noteOn(line)).toEqual([expect.objectContaining({ kind })]);
  });
});

describe('what is said of it is true', () => {
  test('of the query: it is cut, but for "%>ru", where what looks like a secret is masked', async () => {
    const [note] = await noteOn('strip_query_terms off');
    expect(note?.todo).toContain('logformat with "%>ru" in place of "%ru"');
    expect(printed('%ru')).toBe('https://a.test/p?');
    expect(printed('%>ru')).toBe('https://a.test/p?q=1&token=***');
  });

  test('of header fields: the format that is named has them as Squid does, without secrets', async () => {
    const [note] = await noteOn('log_mime_hdrs on');
    const end = /"(\[.*?\])"/.exec(note?.todo ?? '')?.[1] ?? '';
    expect(printed(`%rm ${end}`)).toBe('GET [Host: a.test\\r\\nCookie: ***\\r\\n] [Server: %5bx%5d\\r\\n]');
    const { config, said } = await importLines(...BASE, `logformat all %rm ${end}`, 'access_log /x/a.log all');
    expect(config.log.access[0]?.format).toEqual({ name: 'all', layout: `%rm ${end}` });
    expect(said.filter((one) => one.endsWith('logformat'))).toEqual([]);
  });

  test.each([
    ['referer_log /x/one.log', 'referrer'],
    ['useragent_log /x/one.log', 'useragent'],
  ])('of a log of one field: what is to be written in its place is a log in that format, %s', async (line, format) => {
    const [note] = await noteOn(line);
    const instead = /^write in its place: (.*?);/.exec(note?.todo ?? '')?.[1] ?? '';
    const { config } = await importLines(...BASE, instead);
    expect(config.log.access).toEqual([{ path: '/x/one.log', format }]);
  });
});
