import { expect, test } from 'vitest';
import { Draft, SECTIONS } from '../../src/squid/draft.ts';

test('a draft has single settings, of which the last counts, and lists', () => {
  const draft = new Draft();
  draft.set('via', '', 'a', []);
  draft.set('via', '', 'off', []);
  draft.add('upstream', 'routes', { via: ['direct'] }, []);
  draft.add('upstream', 'routes', { via: ['hq'] }, []);
  expect(draft.single('via', '')?.value).toBe('off');
  expect(draft.list('upstream', 'routes')).toHaveLength(2);
  expect(SECTIONS.flatMap((section) => draft.keys(section).map((key) => `${section}.${key}`))).toEqual([
    'upstream.routes',
    'via.',
  ]);
});
