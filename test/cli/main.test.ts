// What whoever types a command sees when it fails: a few lines on standard error that name the mend, and the exit code.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { configFolder } from '../support/program.ts';

async function typed(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal();
  const code = await main(words, terminal);
  return { code, out: terminal.outText(), err: terminal.errText() };
}

const valid = configFolder().config;
const invalid = configFolder('policy: { default: denny }').config;

describe('exit code and words of a failure', () => {
  const half = configFolder('ca: { cert: ca.pem, key: ca-key.pem }');
  writeFileSync(join(half.folder, 'ca.pem'), 'half of a CA');

  const CASES: readonly [what: string, words: readonly string[], code: number, err: RegExp][] = [
    ['nothing typed', [], 2, /^Usage: sallyport \[options\] \[command\]\n/],
    [
      'a word that is none',
      ['chek'],
      2,
      /^error: unknown command 'chek'\n\(Did you mean check\?\)\n\(sallyport --help says more\)\n$/,
    ],
    ['a word below ca that is none', ['ca', 'sow'], 2, /\(Did you mean show\?\)\n\(sallyport ca --help says more\)\n$/],
    [
      'an option that is none',
      ['check', '--jsn'],
      2,
      /^error: unknown option '--jsn'\n\(Did you mean --json\?\)\n\(sallyport check --help says more\)\n$/,
    ],
    ['a word too many', ['check', valid], 2, /^error: too many arguments/],
    ['no URL', ['test'], 2, /^error: missing required argument 'url'\n/],
    ['no scheme', ['test', 'a.test', '-c', valid], 2, /^error: a\.test: .*\(did you mean https:\/\/a\.test \?\)\n$/],
    [
      'a URL that is none',
      ['test', 'http://a b/', '-c', valid],
      2,
      /^error: http:\/\/a b\/: character not allowed in host\n$/,
    ],
    ['another scheme', ['test', 'ftp://a.test/', '-c', valid], 2, /not an absolute http or https URL\n$/],
    ['no address', ['test', 'http://a.test', '--client', 'x'], 2, /'x' is invalid\. It is not an IP address\.\n/],
    ['a format that is none', ['ca', 'export', '-f', 'jks'], 2, /Allowed choices are pem, der, p12\.\n/],
    [
      'a config that is wrong',
      ['check', '-c', invalid],
      3,
      /^\S+proxy\.yaml:3:20 {2}policy\.default .*\n.*denny.*\n.*\^.*"deny"\?\n$/,
    ],
    ['a config that is not there', ['up', '-c', '/no/such.yaml'], 3, /^\/no\/such\.yaml: there is no such file\n$/],
    ['a folder for a config', ['run', '-c', half.folder], 3, /this is a directory; name the file in it\n$/],
    ['half of a CA', ['ca', 'show', '-c', half.config], 1, /^\S+ca\.pem is there but its key \S+ is missing; .*\n$/],
    ['half of a CA at a start', ['up', '-c', half.config], 1, /^\S+ca\.pem is there but its key \S+ is missing; .*\n$/],
    ['a URL that is denied', ['test', 'https://a.test/', '-c', valid], 4, /^$/],
  ];

  test.each(CASES)('%s', async (_, words, code, expected) => {
    const { code: got, out, err } = await typed(...words);
    expect(got).toBe(code);
    expect(err).toMatch(expected);
    expect(err).not.toMatch(/\n +at |internal/);
    if (code !== 4) expect(out).toBe('');
  });
});

describe('exit code 0 and standard output', () => {
  test.each([
    ['--help', /^Usage: sallyport/],
    ['help', /^Usage: sallyport/],
    ['--version', /^sallyport \d/],
    ['-V', /^sallyport \d/],
    ['version', /^sallyport \d/],
    ['help test', /^Usage: sallyport test/],
    [`check -c ${valid}`, / is valid: 0 rules/],
    [`test http://sallyport.internal/ -c ${valid}`, /allowed/],
  ])('%s', async (words, out) => {
    const got = await typed(...words.split(' '));
    expect(got.code).toBe(0);
    expect(got.out).toMatch(out);
  });
});
