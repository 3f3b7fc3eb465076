// Who may ask for the reports of the manager: `http_access` lines for it, and `cachemgr_passwd`. import-squid.ts calls it.

import { decidedClients } from './access.ts';
import type { AclContext } from './acl-bounds.ts';
import { toCidrs } from './addresses.ts';
import type { Value } from './draft.ts';
import type { Directive } from './read-conf.ts';
import { type Desk, texts } from './translator.ts';

export function readManager(
  access: readonly Directive[],
  passwords: readonly Directive[],
  context: AclContext,
  { draft, notes }: Desk,
): void {
  const value: Record<string, Value> = {};
  const isOfManager = (term: string): boolean => {
    const acl = context.acls.get(term.replace(/^!/, ''));
    return acl?.type === 'manager' || (acl?.type === 'proto' && acl.values.includes('cache_object'));
  };
  const lines = access.filter((line) => texts(line).slice(1).some(isOfManager));
  // Where no line is about it, it is for this machine, as it is when nobody says anything.
  if (lines.length > 0) value['clients'] = toCidrs(decidedClients(access, { ...context, isManager: true }));
  const known = passwords.filter((line) => !/^(?:none|disable)$/.test(texts(line)[0] ?? 'none'));
  const line = known.find((one) => texts(one).slice(1).includes('all')) ?? known[0];
  if (line) {
    value['password'] = texts(line)[0] ?? '';
    notes.tell(
      line,
      'unsafe',
      'the password of the manager stands in the config in the clear',
      'move it to a file of its own, and name that as admin.manager.passwordFile',
    );
    for (const other of known.filter((one) => texts(one)[0] !== texts(line)[0]))
      notes.tell(other, 'differs', 'there is one password for all reports', '');
  }
  for (const other of passwords.filter((one) => texts(one)[0] === 'disable')) {
    const actions = texts(other).slice(1);
    if (actions.includes('all') && !line) value['clients'] = [];
    else notes.tell(other, 'differs', 'reports are read by whoever may read any; none of them changes anything', '');
  }
  if (Object.keys(value).length > 0) draft.set('admin', 'manager', value, [...lines, ...passwords]);
}
