// The part `admin.manager` of a config: who may ask for Squid's manager reports. admin-schema.ts puts it in its place.

import * as z from 'zod';
import { MANAGER_CLIENTS } from '../core/manager-options.ts';
import { expected, listOf, path, secret, section } from './fields.ts';

const range = z.string({ error: expected('an address or a range') });

export const managerSchema = section({
  clients: listOf(range, 'addresses and ranges').default([...MANAGER_CLIENTS]),
  password: secret.exactOptional(),
  passwordFile: path.exactOptional(),
})
  .superRefine(({ password, passwordFile }, context) => {
    if (password === undefined || passwordFile === undefined) return;
    const message = 'there is a passwordFile too: leave one of them out';
    context.addIssue({ code: 'custom', path: ['password'], message });
  })
  .prefault({});

export type ManagerInput = z.output<typeof managerSchema>;
