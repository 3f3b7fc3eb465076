// The `admin` section of a config: where operators reach the proxy. schema.ts puts it in its place.

import * as z from 'zod';
import { parseAuthority } from '../core/authority.ts';
import type { Endpoint } from '../core/session.ts';
import { expected, hostName, listOf, path, section } from './fields.ts';
import { managerSchema } from './manager-schema.ts';

const ENDPOINT = 'an address with a port, such as 127.0.0.1:9128';

const endpoint = z.string({ error: expected(ENDPOINT) }).transform((input, context): Endpoint => {
  const issue = (reason: string): never => {
    context.issues.push({ code: 'custom', input, message: `${expected(ENDPOINT)({ input })}: ${reason}` });
    return z.NEVER;
  };
  // 0 lets the system choose, for tests.
  const anyPort = input.endsWith(':0');
  const authority = parseAuthority(anyPort ? `${input.slice(0, -1)}1` : input);
  if (!authority.ok) return issue(authority.reason);
  if (authority.value.kind === 'name') return issue('it is a name');
  return { address: authority.value.host, port: anyPort ? 0 : authority.value.port };
});

export const adminSchema = section({
  socket: z.union([z.literal(false), path], { error: expected('a path, or off') }).exactOptional(),
  listen: endpoint.exactOptional(),
  names: listOf(hostName, 'host names').default([]),
  tokenFile: path.exactOptional(),
  manager: managerSchema,
}).prefault({});

export type AdminInput = z.output<typeof adminSchema>;

/** Where it is when nobody says; relative to the config. */
export const DEFAULT_SOCKET = 'run/sallyport.sock';

/** As it stands; undefined for `off`. */
export function socketOf({ socket = DEFAULT_SOCKET }: Pick<AdminInput, 'socket'>): string | undefined {
  return socket === false || socket === 'off' ? undefined : socket;
}
