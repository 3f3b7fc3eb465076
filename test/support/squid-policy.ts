// What the policy that was made of a squid.conf decides, in two or three words, for tables.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { parseAbsoluteTarget } from '../../src/core/target.ts';
import { compilePolicy, type Policy } from '../../src/policy/policy.ts';
import { type Imported, importSquid } from '../../src/squid/import-squid.ts';

export interface ImportedPolicy extends Imported {
  readonly config: Config;
  readonly policy: Policy;
}

/** Throws where the translation is no valid config. */
export async function importPolicy(file: string): Promise<ImportedPolicy> {
  const imported = await importSquid(file);
  const parsed = parseConfig(imported.yaml, resolve(file));
  if (!parsed.ok)
    throw new Error(
      `${parsed.problems.map(({ line, message }) => `${line}: ${message}`).join('\n')}\n${imported.yaml}`,
    );
  const compiled = compilePolicy(parsed.config.policy);
  if (!compiled.ok) throw new Error(compiled.problems.map(({ message }) => message).join('\n'));
  return { ...imported, config: parsed.config, policy: compiled.policy };
}

export interface Asked {
  readonly client: string;
  readonly url: string;
  readonly method?: string;
  readonly user?: string;
}

/** `allow`; with TLS also what becomes of it, as `allow, splice`; `deny`, `close`, `ask`: a 407. */
export function verdictOf(policy: Policy, { client, url, method = 'GET', user }: Asked): string {
  const target = parseAbsoluteTarget(url);
  if (!target.ok) throw new Error(target.reason);
  const identity = user === undefined ? undefined : { user, groups: new Set<string>(), by: 'password' as const };
  const { authority, scheme } = target.value;
  let how = '';
  if (scheme === 'https') {
    const connect = policy.decideConnect({ client, authority, identity });
    if (connect.action === 'deny') return refusal(connect.refuseBy);
    if (connect.tls !== 'bump') return `allow, ${connect.tls}`;
    how = ', bump';
  }
  const request = policy.decideRequest({ client, method, target: target.value, identity });
  return request.action === 'deny' ? refusal(request.refuseBy) : `allow${how}`;
}

const refusal = (by: string): string => (by === 'close' ? 'close' : by === 'authenticate' ? 'ask' : 'deny');

/** Imports these lines, as a squid.conf in a folder of its own. */
export async function importLines(
  ...lines: readonly string[]
): Promise<ImportedPolicy & { readonly said: readonly string[] }> {
  const file = join(mkdtempSync(join(tmpdir(), 'conf-')), 'squid.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const imported = await importPolicy(file);
  return { ...imported, said: imported.notes.map(({ kind, about }) => `${kind} ${about}`) };
}
