// Text becomes markup in one place, and stays text.

import { describe, expect, test } from 'vitest';
import { escapeHtml, html, STYLE } from '../../src/http/markup.ts';

describe('markup', () => {
  test.each([
    ['<>&"\'', '&lt;&gt;&amp;&quot;&#39;'],
    ['&lt;', '&amp;lt;'],
    ['constructor', 'constructor'],
    ['a < b & "c" d', 'a &lt; b &amp; &quot;c&quot; d'],
    ["- name: 'x'\n  hosts: ['y']", '- name: &#39;x&#39;\n  hosts: [&#39;y&#39;]'],
    ['', ''],
  ])('%j is escaped as %j', (text, escaped) => {
    expect(escapeHtml(text)).toBe(escaped);
  });

  test('of a whole page escapes the title and leaves the parts', () => {
    const page = html('<b>', '<p>x</p>');
    expect(page).toContain('<title>&lt;b&gt;</title>');
    expect(page).toContain('<p>x</p>');
    expect(page).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  });

  test('fetches nothing from elsewhere', () => {
    expect(STYLE).not.toMatch(/url\(|@import/);
    expect(html('x', '')).not.toMatch(/<script|<link|src=/);
  });
});
