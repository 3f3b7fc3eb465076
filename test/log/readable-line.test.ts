// The plain form of a service log entry: order, quoting, and nothing a terminal would obey.

import { describe, expect, test } from 'vitest';
import { readableLine } from '../../src/log/readable-line.ts';

const line = (fields: object): string =>
  readableLine(
    JSON.stringify({ level: 'info', time: '2026-11-22T06:47:00.000Z', pid: 7, ...fields, msg: 'listening' }),
  );

describe('readableLine', () => {
  test.each([
    ['no field', {}, ''],
    ['a number', { port: 3128 }, ' port=3128'],
    ['a word', { file: '/etc/a.yaml' }, ' file=/etc/a.yaml'],
    ['a sentence', { reason: 'no such file' }, ' reason="no such file"'],
    ['an equals sign', { value: 'a=b' }, ' value="a=b"'],
    ['a quote', { value: 'a"b' }, ' value="a\\"b"'],
    ['nothing in it', { value: '' }, ' value=""'],
    ['a list', { names: ['a', 'b'] }, ' names=["a","b"]'],
    ['an object', { tls: { version: 'TLSv1.3' } }, ' tls={"version":"TLSv1.3"}'],
    ['a line break', { value: 'a\nb' }, ' value="a\\nb"'],
    ['an escape sequence', { value: 'a\x1b[31mb' }, ' value=a\\u001b[31mb'],
    ['a C1 control', { value: 'a\x9b31mb' }, ' value=a\\u009b31mb'],
    ['DEL', { value: 'a\x7f' }, ' value=a\\u007f'],
    ['a right-to-left mark', { value: 'a\u202eb' }, ' value=a\\u202eb'],
    ['a line separator', { value: 'a\u2028b' }, ' value="a\u2028b"'.replace('\u2028', '\\u2028')],
    ['letters of another language', { value: 'größe' }, ' value=größe'],
  ])('%s', (_name, fields, expected) => {
    expect(line(fields)).toBe(`2026-11-22T06:47:00.000Z INFO listening${expected}`);
  });

  test('the message cannot break the line either', () => {
    expect(readableLine('{"level":"warn","time":"t","msg":"a\\r\\nb\\u001b"}')).toBe('t WARN a\\u000d\\u000ab\\u001b');
  });

  test('what is no entry stays as it is', () => {
    expect(readableLine('7')).toBe('7');
  });
});
