// The protocols that a client may leave HTTP for, by Upgrade (RFC 9110 section 7.8): what stands in a list of the config, and
// what of an offer it permits. compile-rules.ts and policy.ts call it.

import { type Checked, sound, unsound } from './problem.ts';

/** A name, and a version behind a slash. */
const PROTOCOL = /^[!#$%&'*+\-.^_`|~0-9a-z]{1,64}(?:\/[!#$%&'*+\-.^_`|~0-9a-z]{1,64})?$/;
/**
 * HTTP or TLS by another way: requests would pass unread behind the one that was allowed. A client that offers them goes
 * on without.
 */
const UNREAD = /^(?:h2c?|h3|http|tls)(?:\/|$)/;

/** In lower case, as `permitted` compares; or why it is none that can be permitted. */
export function parseUpgrade(text: string): Checked<string> {
  const protocol = text.toLowerCase();
  if (!PROTOCOL.test(protocol) || protocol === '*')
    return unsound(`"${text}" is not a protocol, such as websocket or spdy/3.1`);
  if (!UNREAD.test(protocol)) return sound(protocol);
  const message = `an upgrade to "${text}" is never passed on: requests would go through it unread`;
  return unsound(message, 'leave it out: clients that offer it go on without');
}

/** Whether nobody is the worse for it when nothing comes of the offer. */
export function isIdle(offered: readonly string[]): boolean {
  return offered.every((protocol) => UNREAD.test(protocol.toLowerCase()));
}

/** What of an offer goes on, spelled as it was; a protocol in the list without its version is meant in every one. */
export function permitted(offered: readonly string[], list: readonly string[]): string[] {
  return offered.filter((protocol) => {
    const text = protocol.toLowerCase();
    return list.includes(text) || list.includes(text.replace(/\/.*$/, ''));
  });
}

/** What of an offer could go on under some list. */
export function readable(offered: readonly string[]): string[] {
  return offered.filter((protocol) => !UNREAD.test(protocol.toLowerCase()));
}
