// The methods a rule names, checked at load by rule.ts. Any token is a method (RFC 9110 section 9.1), but a word one
// slip away from a known one is taken for the slip.

import { nearest } from '../core/nearest.ts';
import { type Checked, sound, unsound } from './problem.ts';

const COMMON = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'];
/** WebDAV and its kin, and what package managers and caches send. */
const RARE = (
  'PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT CHECKOUT CHECKIN MERGE ACL BIND REBIND UNBIND LINK ' +
  'UNLINK MKACTIVITY MKCALENDAR PURGE NOTIFY SUBSCRIBE UNSUBSCRIBE QUERY SOURCE'
).split(' ');
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export function parseMethod(text: string): Checked<string> {
  if (text === '*') return unsound('"*" is not a method', 'leave "methods" out to match all of them');
  if (!TOKEN.test(text)) return unsound(`"${text}" is not a method: methods are single words such as GET`);
  const upper = text.toUpperCase();
  if (upper === 'CONNECT') {
    return unsound(
      'CONNECT cannot be named in a rule: it opens a tunnel, and the methods of a rule are those of the requests in it',
      'leave CONNECT out; limit tunnels with "hosts", "ports" and "clients"',
    );
  }
  const isKnown = COMMON.includes(upper) || RARE.includes(upper);
  if (upper !== text) {
    const likely = isKnown ? upper : (nearest(upper, COMMON) ?? upper);
    return unsound(`method "${text}" is not in upper case, and methods are case-sensitive`, `write "${likely}"`);
  }
  const likely = isKnown ? undefined : nearest(text, COMMON);
  return likely ? unsound(`"${text}" is not a known method`, `write "${likely}"`) : sound(text);
}
