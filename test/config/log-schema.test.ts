// What may stand under "log", what is meant where it does not, and what is said of a mistake.

import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';

const parse = (text: string) => parseConfig(`version: 1\n${text}`, '/etc/sallyport/proxy.yaml');
const logOf = (text: string) => {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return parsed.config.log;
};
const problemsOf = (text: string) => {
  const parsed = parse(text);
  return parsed.ok ? [] : parsed.problems;
};

describe('the section log', () => {
  test('is one native log without it', () => {
    expect(logOf('')).toEqual({
      service: { level: 'info' },
      access: [{ path: '/etc/sallyport/log/access.log', format: 'squid' }],
    });
  });

  test('takes all there is', () => {
    const log = logOf(`
log:
  formats: { audit: '%ts %>a %ru' }
  access:
    - path: a.log
      format: audit
      when: { outcomes: [denied], clients: [10.0.0.0/8], hosts: [.example.com], statuses: [403, 500-599] }
      unless: { rules: [default], methods: [GET], users: [probe], action: allow }
      rotate: { size: 100MB, every: day, keep: 5 }
      onFull: block
      tags: 3.5
    - { path: stdout, format: json, tags: 4 }
    - { path: b.log, format: useragent, tags: "5+", rotate: {}, onFull: exit, waiting: 1MB }
  tunnelEvents: { progress: 30s }
`);
    expect(log.access).toEqual([
      {
        path: '/etc/sallyport/a.log',
        format: { name: 'audit', layout: '%ts %>a %ru' },
        when: { outcomes: ['denied'], clients: ['10.0.0.0/8'], hosts: ['.example.com'], statuses: [403, '500-599'] },
        unless: { rules: ['default'], methods: ['GET'], users: ['probe'], action: 'allow' },
        rotate: { size: 104_857_600, every: 'day', keep: 5 },
        onFull: 'block',
        tags: '3.5',
      },
      { path: 'stdout', format: 'json', tags: '4' },
      {
        path: '/etc/sallyport/b.log',
        format: 'useragent',
        rotate: { keep: 10 },
        onFull: 'exit',
        waiting: 1_048_576,
        tags: '5+',
      },
    ]);
    expect(log.tunnelEvents).toEqual({ open: true, progress: 30_000 });
    expect(logOf('log: { tunnelEvents: { progress: off, open: true } }').tunnelEvents).toEqual({ open: true });
    expect(logOf('log: { tunnelEvents: {} }').tunnelEvents).toEqual({ open: true, progress: 60_000 });
  });

  test.each([
    ['log: { access: { format: sqiud } }', 'log.access.format', 'got "sqiud"', 'did you mean "squid"?'],
    [
      'log: { access: [{ format: clf }] }',
      'log.access[0].format',
      'got "clf"',
      'formats of your own stand under log.formats',
    ],
    [
      'log: { formats: { a: "%>HS" } }',
      'log.formats.a',
      'position 1: there is no code %>HS: did you mean %>Hs?',
      undefined,
    ],
    ['log: { formats: { squid: "%>a" } }', 'log.formats.squid', 'squid is a format that is there already', undefined],
    ['log: { formats: { "a b": "%>a" } }', 'log.formats["a b"]', 'a format has a name', undefined],
    [
      'log: { access: { rotate: { size: 5 apples } } }',
      'log.access.rotate.size',
      'expected a size such as 100MB',
      undefined,
    ],
    [
      'log: { access: { rotate: { every: days } } }',
      'log.access.rotate.every',
      'expected hour, day or week',
      'did you mean "day"?',
    ],
    ['log: { access: { rotate: { keep: -1 } } }', 'log.access.rotate.keep', 'from 0 to 1000', undefined],
    [
      'log: { access: { path: stdout, rotate: {} } }',
      'log.access.rotate',
      'standard output cannot be rotated',
      undefined,
    ],
    ['log: { access: { onFull: blok } }', 'log.access.onFull', 'expected block, drop or exit', 'did you mean "block"?'],
    [
      'log: { access: { waiting: 4KB } }',
      'log.access.waiting',
      'expected a size from 64KB to 1GB, got "4KB": it is what may wait in memory, of all workers together',
      undefined,
    ],
    ['log: { access: { waiting: 2GB } }', 'log.access.waiting', 'expected a size from 64KB to 1GB', undefined],
    ['log: { access: { waiting: much } }', 'log.access.waiting', 'a whole number with KB, MB or GB', undefined],
    ['log: { access: { tags: 6 } }', 'log.access.tags', 'expected 3.5, 4 or 5+', undefined],
    ['log: { access: { when: { outcomes: [refused] } } }', 'log.access.when.outcomes[0]', 'expected bumped', undefined],
    [
      'log: { access: { when: { outcome: [denied] } } }',
      'log.access.when.outcome',
      'unknown key',
      'did you mean "outcomes"?',
    ],
    ['log: { access: { unless: { clients: [10.0.0] } } }', 'log.access.unless.clients[0]', '"10.0.0"', undefined],
    [
      'log: { access: [{ when: { rules: [defualt] } }] }',
      'log.access[0].when.rules[0]',
      'there is no rule "defualt"',
      'did you mean "default"?',
    ],
    ['log: { tunnelEvents: { progres: 1m } }', 'log.tunnelEvents.progres', 'unknown key', 'did you mean "progress"?'],
    [
      'log: { tunnelEvents: { progress: 1 minute } }',
      'log.tunnelEvents.progress',
      'expected a duration such as 10s, got "1 minute"',
      undefined,
    ],
  ])('%s is refused at its place', (text, path, message, hint) => {
    const [problem] = problemsOf(text);
    expect(problem?.path).toBe(path);
    expect(problem?.message).toContain(message);
    expect(problem?.hint).toEqual(hint === undefined ? problem?.hint : expect.stringContaining(hint));
  });
});
