// An exception through its whole life, in a proxy of two workers that is run, restarted and told by its command line.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpsOrigin, type Origin } from '../support/origin.ts';
import { configFolder, MAIN, type Program, startProgram } from '../support/program.ts';
import { get, tlsThrough, until } from '../support/rig.ts';
import { TestCa } from '../support/test-ca.ts';

const START_LIMIT = 20_000;
const ca = new TestCa();
let origin: Origin;
beforeAll(async () => {
  origin = await httpsOrigin(ca.leaf({ san: 'DNS:ok.test' }), (_request, response) => response.end('hello'));
});
afterAll(() => origin.close());

const authority = (): string => `ok.test:${origin.port}`;

async function start(config: string): Promise<{ program: Program; port: number }> {
  const program = startProgram([MAIN, 'run', '--config', config]);
  const [, port] = await program.err(/"port":(\d+).*"listening"/);
  return { program, port: Number(port) };
}

async function cli(...words: string[]): Promise<string> {
  const program = startProgram([MAIN, ...words]);
  const { code } = await program.ended;
  return `${code} ${program.outText()}${program.errText()}`;
}

/** Whether a client that trusts this root alone gets its answer. */
async function answered(port: number, root: string): Promise<boolean> {
  try {
    return (await get(await tlsThrough(port, authority(), { ca: root }), authority())).includes('hello');
  } catch {
    return false;
  }
}

describe('an exception', () => {
  test(
    'is made by several workers together, holds in all of them and over a restart, is listed, and revoked',
    async () => {
      const { folder, config } = configFolder(
        [
          'workers: 2',
          'ca: { cert: ca.pem, key: ca-key.pem }',
          'tls: { onReject: splice }',
          'resolver: { hosts: { ok.test: 127.0.0.1 } }',
          'upstream: { trust: [origin-root.pem], allowAddresses: [127.0.0.0/8] }',
          `policy: { connectPorts: [${origin.port}], rules: [{ name: agents, hosts: [ok.test], action: allow }] }`,
        ].join('\n'),
      );
      writeFileSync(join(folder, 'origin-root.pem'), ca.root);
      const state = join(folder, 'state', 'exceptions.json');
      const kept = (): string => (existsSync(state) ? readFileSync(state, 'utf8') : '');

      const first = await start(config);
      const ours = readFileSync(join(folder, 'ca.pem'), 'utf8');
      for (let i = 1; i <= 3; i += 1) {
        await expect(tlsThrough(first.port, authority(), { ca: ca.root })).rejects.toThrow();
        await until(() => kept().includes(`"count": ${i}`), `a count of ${i}`, kept);
      }
      await first.program.err(/exception made/);
      // Said once, with a rule that can be pasted.
      expect(first.program.errText().match(/have that program trust our authority/g)).toHaveLength(1);
      expect(first.program.errText()).toContain(
        `"rule":"- { name: 'unread ok.test', clients: ['127.0.0.1'], hosts: ['ok.test']`,
      );

      /**
       * Source ports deal connections out to both workers, and each looks for changes once a second: so many in a row do not
       * go to one of them by chance while the other has not looked.
       */
      const settled = async (port: number, root: string): Promise<void> => {
        let inRow = 0;
        for (const end = performance.now() + 20_000; inRow < 40 && performance.now() < end; )
          inRow = (await answered(port, root)) ? inRow + 1 : 0;
        expect(inRow).toBe(40);
      };
      await settled(first.port, ca.root);
      expect(await cli('exceptions', 'list', '--config', config)).toMatch(
        /^0 Passed unread by exception\n\n {2}127\.0\.0\.1 to ok\.test:\d+\n[\s\S]*let through by rule "agents"/,
      );
      first.program.kill('SIGTERM');
      expect(await first.program.ended).toMatchObject({ code: 0 });

      const second = await start(config);
      await settled(second.port, ca.root);
      expect(await cli('exceptions', 'revoke', 'ok.test', '--config', config)).toMatch(
        /^0 Revoked: 127\.0\.0\.1 to ok\.test:/,
      );
      await settled(second.port, ours);
      second.program.kill('SIGTERM');
      await second.program.ended;
      const audit = readFileSync(join(folder, 'log', 'audit.log'), 'utf8')
        .trim()
        .split('\n');
      expect(audit.map((line): unknown => JSON.parse(line).change)).toEqual(['made', 'revoked']);
    },
    4 * START_LIMIT,
  );
});
