// TLS versions, ciphers and modes in Squid's words. Called by layout-codes.ts.

import type { PrintedEntry } from './access-log-entry.ts';

/** `TLSv1.3` → `TLS/1.3`; `TLSv1` is 1.0. */
export function versionName(version: string): string {
  const number = /^TLSv(\d(?:\.\d)?)$/.exec(version)?.[1];
  if (number === undefined) return version;
  return `TLS/${number.includes('.') ? number : `${number}.0`}`;
}

/** Of what a ClientHello offers, as code points: the best, or the one in its first field, where 1.3 calls itself 1.2. */
export function versionOf(versions: readonly number[] | undefined, which: 'hello' | 'best'): string | undefined {
  // What browsers mix in (RFC 8701) is no version.
  const known = (versions ?? []).filter((version) => version >= 0x0300 && version <= 0x0304);
  if (known.length === 0) return undefined;
  const best = Math.max(...known);
  const said = which === 'hello' ? Math.min(best, 0x0303) : best;
  return said === 0x0300 ? 'SSL/3.0' : `TLS/1.${said - 0x0301}`;
}

/** From the name of the registry to that of OpenSSL; those of TLS 1.3 have one name. */
export function cipherName(standard: string): string {
  const [, exchange = '', cipher = ''] = /^TLS_(\w+?)_WITH_(\w+)$/.exec(standard) ?? [];
  if (cipher === '') return standard;
  const spelled = cipher
    .replace('3DES_EDE_CBC', 'DES-CBC3')
    .replace(/(AES|CAMELLIA|ARIA)_(\d+)_CBC/, '$1$2')
    .replace(/(AES|CAMELLIA|ARIA)_(\d+)/, '$1$2')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20-POLY1305')
    .replaceAll('_', '-');
  return exchange === 'RSA' ? spelled : `${exchange.replaceAll('_', '-')}-${spelled}`;
}

/** What was done to the TLS of a CONNECT, and of the requests inside it. */
export function bumpMode({ method, tunnel, tls, outcome }: PrintedEntry): string | undefined {
  if (tunnel === undefined) return undefined;
  if (outcome === 'spliced' || outcome === 'tunnelled') return 'splice';
  if (outcome === 'terminated') return 'terminate';
  if (method !== 'CONNECT') return 'bump';
  return tls === 'tunnel' ? 'splice' : tls;
}
