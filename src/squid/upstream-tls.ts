// TLS to origins: roots, revocation lists and what a Squid let pass unverified; `tls_outgoing_options` and the older
// `sslproxy_…` lines say it together. import-squid.ts calls it.

import type { Directive } from './read-conf.ts';
import { type Desk, optionsOf, texts } from './translator.ts';

/** The directives that are read here. */
export const UPSTREAM_TLS = [
  'tls_outgoing_options',
  'sslproxy_cafile',
  'sslproxy_capath',
  'sslproxy_flags',
  'sslproxy_client_certificate',
  'sslproxy_client_key',
];

export function readUpstreamTls(lines: readonly Directive[], { draft, notes, absolute }: Desk): void {
  // Each line of tls_outgoing_options adds to those above it.
  const outgoing = lines.filter(({ name }) => name === 'tls_outgoing_options');
  const options = new Map(outgoing.flatMap((line) => [...optionsOf(texts(line))]));
  const old = lines.findLast(({ name }) => name === 'sslproxy_cafile');
  const cafile = options.get('cafile') || old?.rest;
  const isSystem = usesSystem(lines);
  if (cafile) {
    const from = lines.filter(
      ({ name, rest }) => /cafile$/.test(name) || /\bcafile=|NO_DEFAULT_CA|default-ca=/.test(rest),
    );
    draft.set('upstream', 'trust', [...(isSystem ? ['system'] : []), absolute(cafile)], from);
  } else if (!isSystem) {
    const why = 'without the roots of the system there are none: those of the system are trusted here';
    for (const line of lines.filter(leavesSystemOut))
      notes.tell(line, 'unsafe', why, 'name roots under upstream.trust');
  }
  const crl = options.get('crlfile');
  if (crl) draft.set('upstream', 'crl', [absolute(crl)], outgoing);
  for (const line of lines) remark(line, notes);
}

/** Whether the roots of the system are trusted, too. */
const usesSystem = (lines: readonly Directive[]): boolean => !lines.some(leavesSystemOut);

function leavesSystemOut({ name, rest }: Directive): boolean {
  if (name === 'sslproxy_flags') return /NO_DEFAULT_CA/.test(rest);
  return name === 'tls_outgoing_options' && /\bflags=\S*NO_DEFAULT_CA|\bdefault-ca=(?:off|no)\b/.test(rest);
}

function remark(line: Directive, notes: Desk['notes']): void {
  const options = line.name === 'tls_outgoing_options' ? optionsOf(texts(line)) : new Map<string, string>();
  const flags = line.name === 'sslproxy_flags' ? line.rest : (options.get('flags') ?? '');
  if (/DONT_VERIFY/.test(flags)) {
    const why = 'origins are verified all the same: unverified, anybody on the way could be any of them';
    notes.tell(line, 'unsafe', why, 'add the roots of your own origins to upstream.trust');
  }
  if (options.has('cert') || /^sslproxy_client_/.test(line.name)) {
    const why = 'a certificate of ours is shown to origins that are named, and not to all';
    notes.tell(line, 'lost', why, 'write it under upstream.clientCertificates with its hosts');
  }
  if (options.has('capath') || line.name === 'sslproxy_capath')
    notes.tell(line, 'lost', 'a folder of roots is not read', 'name its files under upstream.trust');
  if (options.get('min-version') === '1.3')
    notes.tell(line, 'unsafe', 'origins may speak TLS 1.2, too', 'nothing here holds them to 1.3');
  else if (['cipher', 'options', 'min-version'].some((one) => options.has(one)))
    notes.tell(line, 'not-needed', 'TLS to origins is 1.2 or 1.3 with the suites of today', '');
}
