import { describe, expect, test } from 'vitest';
import { MAX_CREDENTIALS, readCredentials } from '../../src/auth/credentials.ts';

const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('credentials', () => {
  test.each([
    ['user and password', basic('alice:secret'), 'alice', 'secret'],
    ['a password with colons', basic('alice:a:b:'), 'alice', 'a:b:'],
    ['no password, as a token has', basic('token:'), 'token', ''],
    ['UTF-8', basic('zoë:pässwörd'), 'zoë', 'pässwörd'],
    ['a byte order mark, which belongs to the password', basic('a:\ufeffb'), 'a', '\ufeffb'],
    ['a scheme in another case, and more spaces', `bAsIc   ${Buffer.from('a:b').toString('base64')}`, 'a', 'b'],
    ['base64 without its padding', 'Basic YTpi', 'a', 'b'],
    ['base64 without its padding, of another length', 'Basic YTpiYw', 'a', 'bc'],
    ['as much as is taken', basic(`a:${'x'.repeat(MAX_CREDENTIALS - 2)}`), 'a', 'x'.repeat(MAX_CREDENTIALS - 2)],
  ])('are read from %s', (_name, value, user, password) => {
    expect(readCredentials([value])).toEqual({ ok: true, value: { user, password } });
  });

  test.each([
    ['two fields', ['Basic YTpi', 'Basic YTpi'], 'Proxy-Authorization is there more than once'],
    ['nothing', [''], 'Proxy-Authorization is malformed'],
    ['the scheme alone', ['Basic'], 'Proxy-Authorization is malformed'],
    ['two in one field', ['Basic YTpi, Basic YTpi'], 'Proxy-Authorization is malformed'],
    ['parameters', ['Digest username="a", realm="b"'], 'Proxy-Authorization is malformed'],
    ['another scheme', ['Bearer YTpi'], 'the scheme of Proxy-Authorization is not Basic'],
    ['a scheme that begins like it', ['Basics YTpi'], 'the scheme of Proxy-Authorization is not Basic'],
    ['other characters', ['Basic YT_i'], 'the credentials are not base64'],
    ['padding within', ['Basic YQ==YTpi'], 'the credentials are not base64'],
    ['half a group', ['Basic YTpiY'], 'the credentials are not base64'],
    ['no colon', [basic('alice')], 'the credentials have no colon'],
    ['nothing at all', [basic('')], 'the credentials have no colon'],
    ['an empty user', [basic(':secret')], 'the user name cannot be one: it is empty'],
    ['a newline in the user', [basic('alice\nbob:x')], 'the credentials hold a control character'],
    ['a NUL in the password', [basic('alice:x\0y')], 'the credentials hold a control character'],
    [
      'a user that shows as another',
      [basic('ali\u200bce:x')],
      'the user name cannot be one: it holds a character that cannot be seen',
    ],
    ['Latin-1', [basic(Buffer.from('zo\xeb:x', 'latin1'))], 'the credentials are not UTF-8'],
    ['a byte too many', [basic(`a:${'x'.repeat(MAX_CREDENTIALS - 1)}`)], 'the credentials are too long'],
    ['a megabyte', [basic(`a:${'x'.repeat(1 << 20)}`)], 'the credentials are too long'],
  ])('are not taken from %s', (_name, values, reason) => {
    expect(readCredentials(values)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  test('of every beginning of a good field are those of its base64 groups, or a reason without them', () => {
    const whole = basic('alice:secret-word');
    for (let length = 0; length < whole.length; length += 1) {
      const read = readCredentials([whole.slice(0, length)]);
      if (read.ok) expect('secret-word'.startsWith(read.value.password)).toBe(true);
      else expect(read.reason).not.toMatch(/alice|secret/);
      if (length < 'Basic YWxpY2U6'.length - 1) expect(read.ok).toBe(false);
    }
  });
});
