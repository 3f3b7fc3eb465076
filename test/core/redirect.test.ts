// The URL of a redirect as a rule has it: Squid's spelling, and nothing by which whoever asks could choose where to go.

import { expect, test } from 'vitest';
import { parseRedirect } from '../../src/core/redirect.ts';

test.each([
  ['https://intranet.test/denied', undefined, 'https://intranet.test/denied'],
  ['302:http://intranet.test:8080/?url=%u&ip=%i', 302, 'http://intranet.test:8080/?url=%u&ip=%i'],
  ['307:http://[2001:db8::1]/x', 307, 'http://[2001:db8::1]/x'],
  ['https://intranet.test/%{id}', undefined, 'https://intranet.test/%{id}'],
])('%s is taken', (text, status, url) => {
  expect(parseRedirect(text)).toEqual({ ok: true, value: { status, url } });
});

test.each([
  ['200:https://a.test/', 'a redirect is one of 301, 302, 303, 307, 308'],
  ['ftp://a.test/', 'it begins with http:// or https://'],
  ['//a.test/', 'it begins with http:// or https://'],
  ['javascript:alert(1)', 'it begins with http:// or https://'],
  ['https://%H.test/', 'a macro cannot stand in its host'],
  ['https://a.test%u', 'a macro cannot stand in its host'],
  ['https://user@a.test/', 'it has no valid host'],
  ['https:///x', 'it has no valid host'],
  ['https://a b.test/', 'it holds a character that no URL has'],
  ['https://a.test/\r\nX-Evil: 1', 'it holds a character that no URL has'],
  ['https://a.test/"', 'it holds a character that no URL has'],
  ['https://a.test/é', 'it holds a character that no URL has'],
  [`https://a.test/${'x'.repeat(2_048)}`, 'it is longer than 2048 characters'],
  ['', 'it begins with http:// or https://'],
])('%j is refused', (text, reason) => {
  expect(parseRedirect(text)).toEqual({ ok: false, reason });
});
