// What the config says at large, and whether we are who the proxy would be. Called by examination.ts, once it is loaded.

import { stat } from 'node:fs/promises';
import type { Config } from '../../config/config.ts';
import { type Note, warningsIn } from '../../squid/note.ts';
import { policyWarnings } from '../check.ts';
import { shownPath } from '../shown-path.ts';
import { type Finding, plain } from './finding.ts';

/** `file`: as it was named; `notes`: what its translation has to say, where it is a squid.conf. */
export function checkConfig(
  { policy }: Pick<Config, 'policy'>,
  file: string,
  notes: readonly Note[] = [],
): readonly Finding[] {
  const check = 'config';
  const { rules, mode, default: fallback } = policy;
  const count = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`;
  const reason = `${shownPath(file)} is valid: ${count}, default ${fallback}, ${mode} mode`;
  const lines = warningsIn(notes).map((note): Finding => {
    const { file, line, about, why, todo } = note;
    return { check, state: 'warning', reason: `${file}:${line} ${about}: ${why}`, ...(todo && { mend: todo }) };
  });
  const warnings = policyWarnings(policy).map(
    (warning): Finding => ({ check, state: 'warning', reason: plain(warning) }),
  );
  return [{ check, state: 'ok', reason }, ...lines, ...warnings];
}

/** Root may do anything, so what it is told of files and ports need not hold for the proxy. */
export async function checkUser({ ca }: Pick<Config, 'ca'>, us = process.geteuid?.()): Promise<readonly Finding[]> {
  const check = 'user';
  if (us === undefined) return [];
  const owner = await stat(ca.key).then(
    ({ uid }) => uid,
    () => us,
  );
  if (owner === us) return [];
  return [
    {
      check,
      state: 'warning',
      reason: `the CA key belongs to user ${owner}, and this is user ${us}: what is found of files need not hold for the proxy`,
      mend: `run it as the user of the proxy: sudo -u '#${owner}'`,
    },
  ];
}
