// In which form a client reads: what browsers, tools and libraries send, and what nobody should.

import { describe, expect, test } from 'vitest';
import { type Form, preferredForm } from '../../src/http/media.ts';

describe('the form for', () => {
  const cases: [who: string, accept: string[], form: Form][] = [
    ['whoever sends no Accept, as Squid', [], 'html'],
    ['curl, wget, Python requests', ['*/*'], 'text'],
    ['Chrome', ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'], 'html'],
    ['Firefox', ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'], 'html'],
    ['Java', ['text/html, image/gif, image/jpeg, */*; q=0.2'], 'html'],
    ['an image in a page', ['image/avif,image/webp,*/*;q=0.8'], 'text'],
    ['a style sheet in a page', ['text/css,*/*;q=0.1'], 'text'],
    ['axios', ['application/json, text/plain, */*'], 'json'],
    ['text first', ['text/plain, application/json'], 'text'],
    ['an API client', ['application/json'], 'json'],
    ['a client of problem details', ['application/problem+json'], 'json'],
    ['Docker', ['application/vnd.docker.distribution.manifest.v2+json', '*/*'], 'json'],
    ['npm', ['application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*'], 'json'],
    ['weights', ['text/html;q=0.2, application/json;q=0.9, text/plain;q=0.5'], 'json'],
    ['weights with spaces', ['text/html ; q=0.900 , application/json ; q=0.1'], 'html'],
    ['a weight of zero', ['text/plain;q=0, text/html;q=0, */*'], 'json'],
    ['what is closer though weighed less', ['text/html;q=0.1, text/*;q=0.9'], 'text'],
    ['a weight that is none', ['application/json;q=2, text/html;q=0.1'], 'html'],
    ['upper case', ['TEXT/HTML'], 'html'],
    ['two fields', ['application/json;q=0.5', 'text/html'], 'html'],
    ['a group of types', ['application/*'], 'json'],
    ['nothing that we have', ['image/png'], 'text'],
    ['an empty value', [''], 'text'],
    ['noise', [',;=,q=;;,/,*/,/*,\0,"a,b"'], 'text'],
  ];
  test.each(cases)('%s', (_who, accept, form) => {
    expect(preferredForm(accept)).toBe(form);
  });

  test('every prefix of a value is one of the three', () => {
    const value = 'text/html;q=0.2, application/json;q=0.9, text/plain;q=0.5, */*;q=0.1';
    for (let end = 0; end <= value.length; end += 1) {
      expect(['html', 'text', 'json']).toContain(preferredForm([value.slice(0, end)]));
    }
  });

  test('a value without end takes no time', () => {
    const begin = performance.now();
    preferredForm([`${'text/plain;q=0.1;'.repeat(100_000)}`, ',;'.repeat(100_000)]);
    expect(performance.now() - begin).toBeLessThan(50);
  });
});
