// The body of an answer of our own, in HTML, text or JSON: the same facts three times. Whatever came from outside is
// escaped for where it stands. Called by reply.ts.

import { shownPlace } from '../core/place.ts';
import { asciiJson } from '../log/escape.ts';
import { expandMacros, HTML } from './macros.ts';
import { escapeHtml, html } from './markup.ts';
import { type Refusal, shownRule } from './refusal.ts';
import { statusPhrase } from './status-phrase.ts';

export interface RefusalBody {
  /** Value of Content-Type. */
  readonly type: string;
  readonly body: string;
  /** The language it is in, where there are several. */
  readonly language?: string | undefined;
  /** Nothing in it is anybody's but ours, so a browser may be told to run and fetch nothing. */
  readonly isOurs: boolean;
}

export function refusalBody(refusal: Refusal): RefusalBody {
  const { form = 'html', style, squid, asker } = refusal;
  if (form === 'json') return { type: 'application/json', body: asJson(refusal), isOurs: true };
  if (form === 'text') return { type: 'text/plain; charset=utf-8', body: asText(refusal), isOurs: true };
  const type = 'text/html; charset=utf-8';
  const custom = style?.custom?.find(squid, asker?.languages ?? []);
  if (!custom) return { type, body: asHtml(refusal), isOurs: true };
  return { type, body: expandMacros(custom.text, refusal, HTML), language: custom.language, isOurs: false };
}

/** What is true of the case, a line for each; what is not known is left out. */
function factsOf(refusal: Refusal, asLine: (name: string, value: string) => string): string {
  const { url, code, id, asker } = refusal;
  const line = (name: string, value: string | undefined): string => (value ? asLine(name, value) : '');
  return (
    line('Address', url) +
    line('Method', asker?.method) +
    line('Client', asker?.client) +
    line('User', asker?.user) +
    line('Rule', shownRule(refusal)) +
    line('Code', code) +
    line('Request', id)
  );
}

function asHtml(refusal: Refusal): string {
  const { status, sentence, detail, message, location, mends = [], style } = refusal;
  let body = `<h1>${escapeHtml(sentence)}</h1>\n`;
  if (message) body += `<p class="say">${escapeHtml(message)}</p>\n`;
  if (detail) body += `<p>Reason: ${escapeHtml(ended(detail))}</p>\n`;
  if (location) body += `<p><a href="${escapeHtml(location)}">${escapeHtml(location)}</a></p>\n`;
  body += `<dl>\n${factsOf(refusal, asTerm)}</dl>\n`;
  if (mends.length > 0)
    body += `<h2>${mends.length > 1 ? 'These changes' : 'This change'} of the config would allow it</h2>\n`;
  for (const { where, block } of mends)
    body += `<pre>${escapeHtml(block)}</pre>\n<p>Put it ${escapeHtml(where)}.</p>\n`;
  body += `<footer>${ABOUT} ${escapeHtml(askWhom(style?.contact))}</footer>`;
  return html(`${status} ${statusPhrase(status)}`, body);
}

const asTerm = (name: string, value: string): string => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>\n`;

const ABOUT = 'This answer was made by the proxy on the way (Sallyport), not by the site.';

function askWhom(contact: string | undefined): string {
  return contact ? `Questions, with the request id: ${contact}` : 'Give the request id to whoever runs the proxy.';
}

/** As the log has it, with the full stop that half a sentence there has not. */
function ended(reason: string): string {
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}

function asText(refusal: Refusal): string {
  const { status, sentence, detail, message, location, mends = [], style } = refusal;
  const width = 9;
  const blocks = [
    `${status} ${statusPhrase(status)}: ${sentence}${detail ? `\nReason: ${ended(detail)}` : ''}`,
    message ?? '',
    location ?? '',
    factsOf(refusal, (name, value) => `${name.toLowerCase().padEnd(width)}${value}\n`).trimEnd(),
    ...mends.map(({ where, block }) => `To allow it, put this ${where}:\n\n${block}`),
    `${ABOUT}\n${askWhom(style?.contact)}`,
  ];
  return `${blocks
    .filter((block) => block !== '')
    .map(forTerminal)
    .join('\n\n')}\n`;
}

/** Characters that a terminal obeys, or that turn a line around, spelled out. */
export function forTerminal(text: string): string {
  if (!/[^\n\x20-\x7e]/.test(text)) return text;
  return text.replace(/[^\n\P{C}]|[\u2028\u2029]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return point <= 0xff ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}

function asJson(refusal: Refusal): string {
  const { code, status, sentence, detail, rule, at, squid, url, id, message, location, mends, asker, style } = refusal;
  const told = {
    error: code,
    status,
    sentence,
    reason: detail || undefined,
    message,
    location,
    rule: rule === undefined ? undefined : { name: rule, at: at && shownPlace(at) },
    url,
    method: asker?.method,
    client: asker?.client,
    user: asker?.user,
    allow: mends && mends.length > 0 ? mends.map(({ where, line }) => ({ put: where, yaml: line })) : undefined,
    squid,
    contact: style?.contact,
    by: style?.proxy,
    id,
  };
  // What takes it for something else finds no markup in it.
  return `${asciiJson(JSON.stringify(told, undefined, 2)).replace(/[<>&]/g, asUnit)}\n`;
}

const asUnit = (character: string): string => `\\u00${character.charCodeAt(0).toString(16)}`;
