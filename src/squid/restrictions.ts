// Directives by which Squid held something back, and which nothing here stands for: whoever takes a configuration over hears
// of each that something passes now. settings.ts has them among its own.

import { parseUpgrade } from '../policy/upgrade-list.ts';
import type { Directive } from './read-conf.ts';
import { type Family, isOn, texts } from './translator.ts';
import { parseSize } from './units.ts';

/** A remark on each line that holds something back: `isIdle` says which does not. */
const passes =
  (isIdle: (line: Directive) => boolean, why: string, todo: string): Family =>
  (lines, { notes }) => {
    for (const line of lines) {
      if (isIdle(line)) notes.tell(line, 'not-needed', 'it holds nothing back as it stands', '');
      else notes.tell(line, 'unsafe', why, todo);
    }
  };

const isNone = (line: Directive): boolean => texts(line).length === 0 || /^(?:none|off)$/i.test(texts(line)[0] ?? '');
const isNoSize = (line: Directive): boolean => isNone(line) || parseSize(texts(line).slice(0, 2)) === 0;
const isOff = (line: Directive): boolean => !isOn(line);
const allowsAll = (line: Directive): boolean => /^allow\s+all$/i.test(line.rest.trim());

const BODIES = 'bodies are passed on at any size here, beyond this one too';
const ELSEWHERE = 'have a proxy behind this one, as a parent, or the origin, refuse what is larger';
const REWRITE = passes(
  isNone,
  'no helper is asked for another URL: what it redirected, or kept from clients, is decided by the rules alone',
  'deny those URLs by rules, with "redirect" where clients are to be sent elsewhere',
);
const ADAPT = passes(
  isOff,
  'content is not passed to ICAP or eCAP services: what they kept from clients passes',
  'keep a proxy that does behind this one, as a parent',
);

export const RESTRICTIONS: Readonly<Record<string, Family>> = {
  request_body_max_size: passes(isNoSize, BODIES, ELSEWHERE),
  reply_body_max_size: passes(isNoSize, BODIES, ELSEWHERE),
  url_rewrite_program: REWRITE,
  redirect_program: REWRITE,
  icap_enable: ADAPT,
  ecap_enable: ADAPT,
  http_reply_access: passes(
    allowsAll,
    'replies are not decided upon: what these lines kept from clients passes, if the request for it does',
    'deny the requests for it, by host or URL',
  ),
  sslcrtvalidator_program: passes(
    isNone,
    'no helper is asked about certificates of origins: what it refused is held against roots and revocation lists alone',
    'put roots into upstream.trust, revocation lists into upstream.crl',
  ),
  http_upgrade_request_protocols: upgrades,
};

/** Squid takes the offer out of a request unless a line names its protocol. */
function upgrades(lines: readonly Directive[], { draft, notes }: Parameters<Family>[1]): void {
  const named = Map.groupBy(lines, (line) => (texts(line)[0] ?? '').toLowerCase());
  const allowed: string[] = [];
  for (const [name, own] of named) {
    const [first] = own;
    if (!first || own.every((line) => texts(line)[1] === 'deny')) continue;
    const [, action, ...terms] = texts(first);
    const protocol = parseUpgrade(name);
    if (name !== 'other' && protocol.ok && action === 'allow' && terms.join(' ').toLowerCase() === 'all') {
      allowed.push(protocol.value);
      continue;
    }
    const why =
      name === 'other' || !protocol.ok
        ? 'protocols are left HTTP for only where they are named, and not for another HTTP'
        : `nobody may leave HTTP for ${name}: for whom, and where to, is said by rules`;
    notes.tell(first, 'stricter', why, 'name it under policy.upgrades, or under "upgrades" of a rule that allows');
  }
  draft.set('policy', 'upgrades', allowed, lines);
}
