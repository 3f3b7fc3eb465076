// Heads of replies that the parser lets pass and we do not.

import { describe, expect, test } from 'vitest';
import { reasonOf, replyProblem } from '../../src/http/reply-problem.ts';

const GOOD = 'HTTP/1.1 200 OK';

describe('the head of a reply', () => {
  test.each([
    [200, GOOD, []],
    [200, 'HTTP/1.0 200 OK', ['Content-Length', '5']],
    [204, 'HTTP/1.1 204', []],
    [103, 'HTTP/1.1 103 Early Hints', ['Link', '</a>']],
    [599, 'HTTP/1.1 599 \xe9\t\xff', []],
    [200, GOOD, ['transfer-encoding', 'Chunked']],
    [200, GOOD, Array.from({ length: 200 }, () => 'a')],
  ])('%i, %j is good', (status, line, raw) => {
    expect(replyProblem(status, line, raw)).toBeUndefined();
  });

  test.each([
    [200, '', [], 'Malformed status line.'],
    [200, 'HTTP/2.0 200 OK', [], 'Malformed status line.'],
    [200, 'HTTP/0.9 200 OK', [], 'Malformed status line.'],
    [200, 'RTSP/1.0 200 OK', [], 'Malformed status line.'],
    [200, '\rHTTP/1.1 200 OK', [], 'Malformed status line.'],
    [200, 'HTTP/1.1  200 OK', [], 'Malformed status line.'],
    [200, 'HTTP/1.1 200 a\x01', [], 'Malformed status line.'],
    [200, 'HTTP/1.1 200 a\x7f', [], 'Malformed status line.'],
    [600, 'HTTP/1.1 600 X', [], 'Status 600.'],
    [200, GOOD, Array.from({ length: 202 }, () => 'a'), 'More than 100 fields.'],
    [200, 'HTTP/1.0 200 OK', ['Transfer-Encoding', 'chunked'], 'Transfer-Encoding in HTTP/1.0.'],
    [200, GOOD, ['Transfer-Encoding', 'xchunked'], 'Transfer-Encoding is not chunked.'],
    [200, GOOD, ['Transfer-Encoding', 'gzip, chunked'], 'Transfer-Encoding is not chunked.'],
    [200, GOOD, ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], 'Transfer-Encoding is not chunked.'],
    [200, GOOD, ['Content-Length', '1', 'Transfer-Encoding', 'chunked'], 'Content-Length beside Transfer-Encoding.'],
    [200, GOOD, ['Content-Length', '1', 'content-length', '1'], 'More than one Content-Length.'],
  ])('%i, %j with %j is not', (status, line, raw, problem) => {
    expect(replyProblem(status, line, raw)).toBe(problem);
  });

  test.each([
    [GOOD, 'OK'],
    ['HTTP/1.1 200', ''],
    ['HTTP/1.1 200 ', ''],
    ['HTTP/1.0 404 Not \xe9 Found', 'Not \xe9 Found'],
  ])('%j has the reason %j', (line, reason) => {
    expect(reasonOf(line)).toBe(reason);
  });
});
