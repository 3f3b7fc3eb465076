// A rule of the translation as the options of a rule of ours, and as the value that stands in the config. Called by
// import-squid.ts.

import type { RuleOptions } from '../policy/policy.ts';
import type { AccessRule } from './access.ts';
import { toCidrs } from './addresses.ts';
import type { Url } from './box.ts';
import type { DenyWords } from './deny-info.ts';
import type { Value } from './draft.ts';

/** `tls`: what holds where a rule does not say. */
export function ruleOptions(
  { box, action, scheme, tls, words }: AccessRule,
  name: string,
  usual: 'bump' | 'splice',
): RuleOptions {
  const { clients, users, hosts, urls, methods, ports } = box;
  const looksInside = urls !== undefined || methods !== undefined;
  const needsTls = tls !== undefined && tls !== (looksInside ? 'bump' : usual) && scheme !== 'http' && !looksInside;
  const closes = words?.closes && scheme !== 'http' && !looksInside;
  return {
    name,
    ...(scheme && !urls ? { scheme } : {}),
    ...(clients ? { clients: toCidrs(clients) } : {}),
    ...(users === 'known' ? { authenticated: true } : users ? { users } : {}),
    ...(hosts ? { hosts: hosts.map(({ text }) => text) } : {}),
    ...(urls ? { urls: urls.flatMap(urlTexts) } : {}),
    ...(methods ? { methods } : {}),
    ...(ports ? { ports: ports.map(({ first, last }) => (first === last ? Number(first) : `${first}-${last}`)) } : {}),
    action,
    ...(needsTls ? { tls } : closes ? { tls: 'terminate' as const } : {}),
  };
}

function urlTexts({ scheme, hosts, port, path }: Url): string[] {
  const usual = scheme === 'http' ? 80 : 443;
  return hosts.map(({ text }) => `${scheme}://${text}${port === usual ? '' : `:${port}`}${path}`);
}

/** With what the rule says to those whom it denies. */
export function ruleValue(options: RuleOptions, words?: DenyWords): Value {
  const { name, scheme, clients, authenticated, users, hosts, urls, methods, ports, action, tls } = options;
  return {
    name,
    ...(scheme ? { scheme } : {}),
    ...(clients ? { clients } : {}),
    ...(authenticated ? { authenticated } : {}),
    ...(users ? { users } : {}),
    ...(hosts ? { hosts } : {}),
    ...(urls ? { urls } : {}),
    ...(methods ? { methods } : {}),
    ...(ports ? { ports } : {}),
    action,
    ...(tls ? { tls } : {}),
    ...(words?.message === undefined ? {} : { message: words.message }),
    ...(words?.redirect === undefined ? {} : { redirect: words.redirect }),
  };
}
