// Which config the proxy that answers at a control socket runs with, and whether it is the one that was named: two configs
// in one folder have one socket, unless they say otherwise. Called by whatever asks a proxy that runs, or has it do something.

import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Out of an answer to `/v1/status`; undefined: it does not say. Throws where the text is no JSON. */
export function configToldBy(body: string): string | undefined {
  const told: unknown = JSON.parse(body);
  const hasOne = typeof told === 'object' && told !== null && 'config' in told;
  return hasOne && typeof told.config === 'string' ? told.config : undefined;
}

/** By whatever links they were named, and also where the file is gone by now. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  if (resolve(one) === resolve(other)) return true;
  const [first, second] = await Promise.all([realOf(one), realOf(other)]);
  return first === second;
}

const realOf = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
