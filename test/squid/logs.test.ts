import { describe, expect, test } from 'vitest';
import { importLines } from '../support/squid-policy.ts';

const BASE = ['http_port 3128', 'http_access allow all'];

describe('access_log', () => {
  test.each([
    ['access_log /x/a.log', [{ path: '/x/a.log', format: 'squid' }]],
    ['access_log daemon:/x/a.log combined', [{ path: '/x/a.log', format: 'combined' }]],
    ['access_log stdio:/dev/stdout logformat=common', [{ path: 'stdout', format: 'common' }]],
    ['access_log none', []],
    ['', [{ path: '/var/log/squid/access.log', format: 'squid' }]],
  ])('%s', async (line, access) => {
    expect((await importLines(...BASE, line)).config.log.access).toEqual(access);
  });

  test('by another way, in another format, or of some requests only, is told', async () => {
    const { said, config } = await importLines(
      ...BASE,
      'logformat broken %nonsense',
      'access_log udp://10.0.0.1:514 squid',
      'access_log /x/a.log broken',
      'acl evening time 18:00-20:00',
      'access_log /x/b.log squid evening',
    );
    expect(said).toEqual(expect.arrayContaining(['lost logformat', 'lost access_log', 'differs access_log']));
    expect(config.log.access).toEqual([
      { path: '/x/a.log', format: 'squid' },
      { path: '/x/b.log', format: 'squid' },
    ]);
  });

  test.each([
    ['squid localhost', { when: { clients: ['127.0.0.1', '::1'] } }],
    ['logformat=squid !failed', { unless: { statuses: ['400-599'] } }],
    [
      'squid posts a !localhost',
      { when: { methods: ['POST'], hosts: ['.a.test'] }, unless: { clients: ['127.0.0.1', '::1'] } },
    ],
    ['logformat=squid on-error=die', { onFull: 'exit' }],
    ['logformat=squid on-error=drop rotate=3', { onFull: 'drop', rotate: { keep: 3 } }],
  ])('of some requests, or in another way: %s', async (words, expected) => {
    const acls = ['acl a dstdomain .a.test', 'acl posts method POST', 'acl failed http_status 400-599'];
    const { config, notes } = await importLines(...BASE, ...acls, `access_log daemon:/x/a.log ${words}`);
    expect(config.log.access).toEqual([{ path: '/x/a.log', format: 'squid', ...expected }]);
    // What becomes of a log that cannot be written is told by log-keeping.ts.
    expect(notes.filter(({ about, why }) => about === 'access_log' && !why.includes('cannot be written'))).toEqual([]);
  });

  test('none takes out of the logs below it', async () => {
    const { config } = await importLines(
      ...BASE,
      'access_log /x/a.log',
      'access_log none localhost',
      'access_log /x/b.log',
      'access_log none',
      'access_log /x/c.log',
    );
    expect(config.log.access).toEqual([
      { path: '/x/a.log', format: 'squid' },
      { path: '/x/b.log', format: 'squid', unless: { clients: ['127.0.0.1', '::1'] } },
    ]);
  });

  test('a format of one’s own is taken over, and given another name where ours is called so', async () => {
    const { config, said } = await importLines(
      ...BASE,
      'logformat short  %ts %>a "%{User-Agent}>h" %ui',
      'logformat squid %ts',
      'access_log /x/a.log short',
      'access_log /x/b.log squid',
    );
    expect(config.log.access.map(({ format }) => format)).toEqual([
      { name: 'short', layout: '%ts %>a "%{User-Agent}>h" %ui' },
      { name: 'own-squid', layout: '%ts' },
    ]);
    expect(said).toContain('differs logformat');
  });

  test('logfile_rotate says how many are kept', async () => {
    const { config } = await importLines(
      ...BASE,
      'logfile_rotate 7',
      'access_log /x/a.log',
      'access_log stdio:/dev/stdout',
    );
    expect(config.log.access.map(({ rotate }) => rotate)).toEqual([{ keep: 7 }, undefined]);
  });

  test('what else is written stands beside it', async () => {
    const { config } = await importLines(...BASE, 'access_log /x/a.log');
    expect(config.rejections).toMatchObject({ audit: '/x/sallyport-audit.log', state: '/x/sallyport-exceptions.json' });
  });
});
