// One host pattern of a rule, parsed at load; host-matcher.ts files it, url-pattern.ts takes it as the host of a URL.
//
// `example.com`        that name only; also an address, IPv6 in brackets
// `.example.com`       that name and everything below it
// `*.example.com`      everything below it at any depth, not the name itself
// `api-*.example.com`  the star stays within its label
// `*`                  every host, addresses too

import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { formatHost, type HostKind, parseHost } from '../core/authority.ts';
import { type Checked, sound, unsound } from './problem.ts';
import { compileSegment, type SegmentTest } from './segment-glob.ts';

export interface HostPattern {
  /** Canonical spelling: two patterns with one text match the same hosts. */
  readonly text: string;
  readonly scope: 'any' | 'exact' | 'tree' | 'below';
  /** Of what the pattern names: an address can only be named exactly. */
  readonly kind: HostKind;
  /** The fixed end of the name: whole labels without a star, or the whole host. Empty when the last label has a star. */
  readonly suffix: string;
  /** The labels before it, from right to left; empty when no label has a star. */
  readonly labels: readonly SegmentTest[];
}

export const EVERY_HOST: HostPattern = { text: '*', scope: 'any', kind: 'name', suffix: '', labels: [] };

export function parseHostPattern(text: string): Checked<HostPattern> {
  if (text === EVERY_HOST.text) return sound(EVERY_HOST);
  const isPlain = /^[\w.-]+$/.test(text);
  const slip = isPlain ? undefined : findSlip(text);
  if (slip) return slip;
  const scope = text.startsWith('*.') ? 'below' : text.startsWith('.') ? 'tree' : 'exact';
  const prefix = scope === 'below' ? '*.' : scope === 'tree' ? '.' : '';
  const name = isPlain ? sound(text.slice(prefix.length)) : toAscii(text.slice(prefix.length));
  if (!name.ok) return unsound(`host pattern "${text}": ${name.message}`, name.suggestion);
  const host = parseHost(name.value.replaceAll('*', 'a'));
  if (!host.ok) return unsound(`host pattern "${text}": ${host.reason}`);
  if (name.value.includes('*')) return starred(text, scope, prefix, name.value);
  const { kind, text: canonical } = host.value;
  if (kind !== 'name' && scope !== 'exact') return unsound(`host pattern "${text}": nothing is below an address`);
  const spelling = prefix + formatHost({ kind, host: canonical });
  return sound({ text: spelling, scope, kind, suffix: canonical, labels: [] });
}

function starred(text: string, scope: 'exact' | 'tree' | 'below', prefix: string, name: string): Checked<HostPattern> {
  const labels = withoutDot(name).toLowerCase().split('.');
  const cut = labels.findLastIndex((label) => label.includes('*')) + 1;
  const tests: SegmentTest[] = [];
  for (const label of labels.slice(0, cut).reverse()) {
    const test = compileSegment(label);
    if (!test.ok) return unsound(`host pattern "${text}": ${test.message}`);
    tests.push(test.value);
  }
  const suffix = labels.slice(cut).join('.');
  return sound({ text: prefix + labels.join('.'), scope, kind: 'name', suffix, labels: tests });
}

/** Whether it is one host, or those below a name that somebody has registered; below `.com`, everybody has a name. */
export function namesHost({ scope, labels, suffix }: HostPattern): boolean {
  return (scope === 'exact' && labels.length === 0) || suffix.includes('.');
}

/** Whether the labels in front of the suffix, as they stand in a name, are what the pattern asks for. */
export function matchLabels(pattern: HostPattern, before: readonly string[]): boolean {
  const extra = before.length - pattern.labels.length;
  if (extra < 0 || (extra > 0 && pattern.scope === 'exact') || (extra === 0 && pattern.scope === 'below')) return false;
  return pattern.labels.every((test, index) => test(before[before.length - 1 - index] ?? ''));
}

/** What people write by mistake, told apart so that the answer can say what to write. */
function findSlip(text: string): Checked<never> | undefined {
  const url = /^[a-z*]+:\/\/([^/:]+)/i.exec(text);
  if (url) return unsound(`host pattern "${text}" has a scheme`, `write "${url[1]}", or move it to urls`);
  if (isIPv6(text)) return unsound(`host pattern "${text}" is IPv6 without brackets`, `write "[${text}]"`);
  if (/^[\d.:a-f]+\/\d+$/i.test(text)) return unsound(`host pattern "${text}" is a range of addresses, not a host`);
  const path = /^([^/]+)\//.exec(text);
  if (path) return unsound(`host pattern "${text}" has a path`, `write "${path[1]}", or move it to urls`);
  const port = /^([^:[\]]+):(\d+)$/.exec(text) ?? /^(\[.*\]):(\d+)$/.exec(text);
  if (port) return unsound(`host pattern "${text}" has a port`, `write "${port[1]}" and "ports: [${port[2]}]"`);
  if (/^(?=.*\d)[\d.*]+$/.test(text)) return unsound(`host pattern "${text}": an address cannot have a star in it`);
  const glued = /^\*([^.*_-][^.*]*\.[^.*]+\.?)$/.exec(text);
  if (glued) return unsound(`host pattern "${text}" would also match evil${glued[1]}`, `write ".${glued[1]}"`);
  return undefined;
}

/** Unicode becomes the A-label that DNS, TLS and the CONNECT line carry (RFC 5890 section 2.3.2.1). */
function toAscii(name: string): Checked<string> {
  if (name.startsWith('[')) return sound(name);
  const labels: string[] = [];
  for (const label of withoutDot(name).split('.')) {
    if (label === '*') {
      return unsound('a label that is only a star may stand at the very left only', 'give the names one by one');
    }
    const isAscii = /^[\x00-\x7f]*$/.test(label);
    const ascii = isAscii ? label : label.includes('*') ? '' : domainToASCII(label);
    // A full-width or ideographic dot would come out as a dot.
    if (!isAscii && (ascii === '' || ascii.includes('.'))) return unsound(`"${label}" has no ASCII form`);
    labels.push(ascii);
  }
  return sound(labels.join('.'));
}

/** One dot at the end is the root of the DNS, not a label. */
const withoutDot = (name: string): string => name.replace(/(?<=[^.])\.$/, '');
