// What of the fields of a message may stand in a log: never what lets anybody in. Called by layout-codes.ts.

import { loggedUrl } from './logged-url.ts';

/** Stands for a secret. */
export const MASK = '***';

/** By the last word of its name, since everybody has names of his own for tokens. */
const SECRET_FIELD =
  /(?:^|[-_])(?:authorization|cookie2?|api-?key|tokens?|secret|passwords?|credentials?|session-?id)$/i;
const SECRET_PARAMETER =
  /(?:^|[-_.])(?:sig(?:nature)?|tokens?|(?:api|access)?-?key|code|auth|secret|pass(?:word|wd)?|pwd|credentials?|jwt|session-?id)$/i;
/** Fields whose value is a URL. */
const URL_FIELD = /^(?:referer|location|content-location|origin)$/i;

/** Names and values in turn → the values of one field, joined as RFC 9110 section 5.2 has it; undefined without it. */
export function loggedField(fields: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const field = fields[at] ?? '';
    if (field.length !== name.length || field.toLowerCase() !== name) continue;
    const one = maskedValue(field, fields[at + 1] ?? '');
    value = value === undefined ? one : `${value}, ${one}`;
  }
  return value;
}

/** All of them, each in a line of its own. */
export function loggedFields(fields: readonly string[]): string | undefined {
  let text = '';
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]];
    text += `${name}: ${maskedValue(name, value)}\r\n`;
  }
  return text === '' ? undefined : text;
}

/** The element of a list: the value of `name=value`, or the item itself where that has none; undefined without it. */
export function elementOf(value: string, element: string, separator: string): string | undefined {
  for (const part of value.split(separator)) {
    const item = part.trim();
    if (item.length < element.length || item.slice(0, element.length).toLowerCase() !== element.toLowerCase()) continue;
    if (item.length === element.length) return item;
    if (item[element.length] === '=') return item.slice(element.length + 1);
  }
  return undefined;
}

/** A URL with its query, without the user, and with a mask in place of what looks like a secret among the parameters. */
export function wholeUrl(url: string, form: 'url' | 'authority'): string {
  const bare = loggedUrl(url, form);
  // A fragment never leaves the client, and one that has come nevertheless carries tokens.
  if (!bare.endsWith('?')) return bare;
  const query = url.slice(url.indexOf('?') + 1).replace(/#.*/s, '');
  return bare + query.split('&').map(maskedParameter).join('&');
}

function maskedParameter(parameter: string): string {
  const end = parameter.indexOf('=');
  return end >= 0 && SECRET_PARAMETER.test(parameter.slice(0, end)) ? parameter.slice(0, end + 1) + MASK : parameter;
}

function maskedValue(name: string, value: string): string {
  if (SECRET_FIELD.test(name)) return MASK;
  return URL_FIELD.test(name) ? loggedUrl(value) : value;
}
