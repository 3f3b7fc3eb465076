import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importConfig } from '../../src/cli/import.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

function conf(text: string): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'import-'));
  writeFileSync(join(folder, 'squid.conf'), text);
  return { folder, file: join(folder, 'squid.conf') };
}

describe('import', () => {
  test('writes the config, and says what is not in it', async () => {
    const { folder, file } = conf('http_port 3128\nhttp_access allow localhost\ncache_mem 8 MB\n');
    const terminal = fakeTerminal();
    const output = join(folder, 'out.yaml');
    expect(await importConfig(terminal, file, { output })).toBe(0);
    expect(readFileSync(output, 'utf8')).toContain('# squid.conf:2  http_access allow localhost');
    expect(statSync(output).mode & 0o777).toBe(0o600);
    expect(terminal.outText()).toBe(`${output} written: 1 rules.\n`);
    expect(terminal.errText()).toContain('Not needed:\n  squid.conf:3  cache_mem\n    nothing is cached here');
    const again = fakeTerminal();
    expect(await importConfig(again, file, { output })).toBe(1);
    expect(again.errText()).toContain('cannot be written');
  });

  test('writes the drop-in of the service beside it, and says so where it cannot', async () => {
    const { folder, file } = conf('http_port 3128 ssl-bump cert=/etc/squid/squidCA.pem\nhttp_access allow localhost\n');
    const service = join(folder, 'service.conf');
    const terminal = fakeTerminal();
    expect(await importConfig(terminal, file, { service })).toBe(0);
    expect(terminal.outText()).toContain('socket: /run/sallyport/sallyport.sock\n');
    expect(readFileSync(service, 'utf8')).toContain('\nLoadCredential=squidCA.pem:/etc/squid/squidCA.pem\n');
    const again = fakeTerminal();
    expect(await importConfig(again, file, { service })).toBe(1);
    expect(again.errText()).toContain(`${service} cannot be written`);
  });

  test('prints it where no file is named', async () => {
    const terminal = fakeTerminal();
    expect(await importConfig(terminal, conf('http_port 3128\nhttp_access deny all\n').file, {})).toBe(0);
    expect(terminal.outText()).toContain('version: 1\n');
  });

  test.each([
    ['if true', 3, '"if" has no "endif"'],
    ['htpp_access deny all', 1, 'did you mean "http_access"?'],
  ])('%s ends with %i', async (line, code, message) => {
    const terminal = fakeTerminal();
    expect(await importConfig(terminal, conf(`http_port 3128\n${line}\n`).file, {})).toBe(code);
    expect(terminal.errText()).toContain(message);
  });
});
