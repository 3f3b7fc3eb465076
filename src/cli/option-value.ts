// Reads the option values that commander cannot judge by itself; what it refuses is told with the option it was for.

import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { nameProblem } from '../core/identity.ts';
import { plainAddress } from '../core/session.ts';
import { parseAddress } from '../policy/address-set.ts';
import { parseMethod } from '../policy/method.ts';

/** `--client`, in the spelling that the log has. */
export function clientAddress(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (!parseAddress(bare)) throw new InvalidArgumentError('It is not an IP address.');
  return plainAddress(bare);
}

export function userName(text: string): string {
  const problem = nameProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(`It cannot be the name of a user: ${problem}.`);
  return text;
}

/** `--grace`, in milliseconds. */
export function graceTime(text: string): number {
  const time = parseDuration(text);
  if (!time.ok) throw new InvalidArgumentError(`It is not a time such as 30s or 5m: ${time.reason}.`);
  return time.value;
}

export function requestMethod(text: string): string {
  const method = parseMethod(text);
  if (method.ok) return method.value;
  if (text.toUpperCase() === 'CONNECT') {
    throw new InvalidArgumentError('A CONNECT comes before every https URL; name the method of the request in it.');
  }
  throw new InvalidArgumentError(`${method.message}${method.suggestion ? `: ${method.suggestion}` : ''}.`);
}
