// The `auth` section of a config: how the proxy comes to know who is asking. schema.ts puts it in its place.

import * as z from 'zod';
import { DEFAULT_REALM } from '../auth/options.ts';
import { nameProblem } from '../core/identity.ts';
import { choice, expected, listOf, path, section, someOf } from './fields.ts';

/** It stands in a header field. */
const realm = z
  .string({ error: expected('a realm') })
  .regex(/^[\x20-\x7e]{1,100}$/, { error: expected('a realm of 1 to 100 printable ASCII characters') });

const userName = z.string({ error: expected('a user name') }).superRefine((name, context) => {
  const problem = nameProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: `a user name is expected, and ${problem}` });
});

const groups = z
  .record(z.string(), listOf(userName, 'user names'), { error: expected('groups, each with a list of users') })
  .default({});

const clientCertificates = section({
  trust: z
    .union([path, someOf(path, 'PEM files')], { error: expected('a PEM file or a list of them') })
    .transform((trust) => (Array.isArray(trust) ? trust : [trust])),
  crl: listOf(path, 'revocation lists').default([]),
  mode: choice(['request', 'require']).default('request'),
  user: choice(['cn', 'san']).default('cn'),
});

export const authSchema = section({
  basic: section({ htpasswd: path, realm: realm.default(DEFAULT_REALM) }).exactOptional(),
  tokens: path.exactOptional(),
  groups,
  groupFile: path.exactOptional(),
  clientCertificates: clientCertificates.exactOptional(),
});

export type AuthInput = z.output<typeof authSchema>;
