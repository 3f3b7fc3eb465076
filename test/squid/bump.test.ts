import { describe, expect, test } from 'vitest';
import { AclSet } from '../../src/squid/acl-set.ts';
import { bumpVerdicts } from '../../src/squid/bump.ts';
import { cutLine } from '../../src/squid/conf-line.ts';
import { Notes } from '../../src/squid/note.ts';
import type { Directive } from '../../src/squid/read-conf.ts';
import { importLines, verdictOf } from '../support/squid-policy.ts';

const directive = (text: string, line: number): Directive => {
  const cut = cutLine(text);
  const [name, ...words] = cut.ok ? cut.words : [];
  return { file: 'f', line, name: name?.text ?? '', words, rest: text, lists: new Map() };
};

/** What becomes of bank.test and of any other host. */
function becomes(...lines: readonly string[]): string {
  const [acls, notes] = [new AclSet(), new Notes()];
  for (const acl of [
    'acl bank ssl::server_name bank.test',
    'acl s1 at_step SslBump1',
    'acl s2 at_step SslBump2',
    'acl s3 at_step SslBump3',
    'acl rough ssl::server_name_regex -i gambl',
  ]) {
    acls.define(directive(acl, 0), notes);
  }
  const verdicts = bumpVerdicts(
    lines.map((text, at) => directive(`ssl_bump ${text}`, at + 1)),
    { acls, notes, world: 'connect', listenPorts: [], hasUsers: false },
  );
  const bank = verdicts.find(({ box }) => box.hosts === undefined || box.hosts[0]?.text === 'bank.test');
  const other = verdicts.find(({ box }) => box.hosts === undefined);
  return `${bank?.outcome} ${other?.outcome}`;
}

describe('ssl_bump', () => {
  test.each([
    ['nothing at all', [], 'splice splice'],
    ['everything, in the old words', ['server-first all'], 'bump bump'],
    ['all but banks, in the old words', ['none bank', 'client-first all'], 'splice bump'],
    ['allow and deny of long ago', ['deny bank', 'allow all'], 'splice bump'],
    ['peek, then all', ['peek s1', 'bump all'], 'bump bump'],
    ['peek, then all but banks', ['peek s1', 'splice bank', 'bump all'], 'splice bump'],
    ['peek twice: bump is not possible any more', ['peek all', 'bump all'], 'splice splice'],
    ['stare twice: splice is not', ['stare all', 'splice all'], 'bump bump'],
    ['stare at the second step, then bump', ['peek s1', 'stare s2', 'bump s3'], 'bump bump'],
    ['terminate', ['peek s1', 'terminate bank', 'splice all'], 'terminate splice'],
    ['nothing that matches', ['bump bank'], 'bump splice'],
    ['what cannot be said is decrypted', ['bump rough', 'splice all'], 'bump bump'],
    ['what cannot be said is decrypted, behind others', ['splice bank', 'bump rough', 'splice all'], 'splice bump'],
    ['what cannot be said is not passed unread', ['splice rough', 'bump all'], 'bump bump'],
    ['what cannot be said is closed', ['terminate rough', 'bump all'], 'terminate terminate'],
    ['what cannot be said is looked at', ['peek s1 rough', 'bump s2 bank', 'splice all'], 'bump splice'],
    ['what cannot be said is looked at again', ['peek rough', 'bump all'], 'bump bump'],
    ['what cannot be said is stared at, and then decrypted', ['stare rough'], 'bump bump'],
  ])('%s', (_, lines, verdicts) => {
    expect(becomes(...lines)).toBe(verdicts);
  });

  const ROUGH = [
    'http_port 3128 ssl-bump cert=/x/ca.pem',
    'acl gambling ssl::server_name_regex -i gambl',
    'ssl_bump bump gambling',
    'ssl_bump splice all',
  ];
  const decided = async (...more: string[]) => {
    const { policy, said } = await importLines(...ROUGH, ...more);
    const [one, other] = ['https://gambl.test/v2/x', 'https://gambl.test/v1'].map((url) =>
      verdictOf(policy, { client: '10.0.0.1', url }),
    );
    return [one, other, said.includes('unsafe acl')];
  };

  test('that cannot be said passes nothing by the rules for URLs, and is told', async () => {
    const urls = ['acl v2 url_regex ^https://gambl\\.test/v2/', 'http_access allow CONNECT'];
    const last = ['http_access allow v2', 'http_access deny all'];
    expect(await decided(...urls, ...last)).toEqual(['allow, bump', 'deny', true]);
    // Without any, what is not known to be meant is not decrypted.
    expect(await decided('http_access allow all')).toEqual(['allow, splice', 'allow, splice', true]);
  });
});
