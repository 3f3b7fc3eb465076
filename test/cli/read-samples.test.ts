// Figures out of the text that Prometheus reads.

import { expect, test } from 'vitest';
import { readSamples, sumOf } from '../../src/cli/read-samples.ts';

test('samples are read with their labels, and all else is passed over', () => {
  const samples = readSamples(
    [
      '# HELP x_total What it says.',
      '# TYPE x_total counter',
      'x_total{a="1",b="two words"} 3',
      'x_total{a="quote \\" slash \\\\ line \\n brace } end"} 4.5e1 1700000000',
      'plain 7',
      'nothing',
      'x_total{a="2"} NaN',
      'inf +Inf',
      '',
    ].join('\n'),
  );
  expect(samples.get('x_total')).toEqual([
    { labels: { a: '1', b: 'two words' }, value: 3 },
    { labels: { a: 'quote " slash \\ line \n brace } end' }, value: 45 },
  ]);
  expect(sumOf(samples, 'x_total')).toBe(48);
  expect(sumOf(samples, 'plain')).toBe(7);
  expect(sumOf(samples, 'nothing')).toBeUndefined();
});
