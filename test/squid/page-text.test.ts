import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pageText, plainText } from '../../src/squid/page-text.ts';

describe('the words of a page', () => {
  test.each([
    ['<h1>No</h1><p>Ask  %w.</p>', 'No\nAsk %w.'],
    ['<html><head><title>t</title></head><style>a{}</style><body>A<br>B</body>', 'A\nB'],
    ['a <b>bold</b> word, &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; &other;', 'a bold word, <b> & "c" \'d\' &other;'],
    ['<!-- left out --> in <!-- never closed', 'in'],
    ['a\u0007\u202eb', 'ab'],
    ['', ''],
  ])('%j', (page, text) => {
    expect(plainText(page)).toBe(text);
  });

  test('are as many as a message may have', () => {
    const text = plainText('x'.repeat(5_000));
    expect([text.length, text.at(-1)]).toEqual([1_000, '…']);
  });

  test('come from the first folder that has the page', async () => {
    const [empty, full] = [mkdtempSync(join(tmpdir(), 'pages-')), mkdtempSync(join(tmpdir(), 'pages-'))];
    writeFileSync(join(full, 'ERR_X'), '<p>Why</p>');
    expect(await pageText('ERR_X', [empty, full])).toBe('Why');
    expect(await pageText('ERR_Y', [empty, full])).toBeUndefined();
  });
});
