// `hosts_file`: the names of a hosts file other than the system's, copied into the resolver's own.

import { readFile } from 'node:fs/promises';
import { parseHost } from '../core/authority.ts';
import type { Directive } from './read-conf.ts';
import type { Desk } from './translator.ts';

const MAX_NAMES = 5_000;

export async function readHosts(lines: readonly Directive[], { draft, notes, absolute }: Desk): Promise<void> {
  const line = lines.at(-1);
  const path = line ? absolute(line.words[0]?.text ?? 'none') : '/etc/hosts';
  // The system's own is looked at while the proxy runs, and again when it changes.
  if (!line || line.rest === 'none' || path === '/etc/hosts') return;
  const text = await readFile(path, 'latin1').catch(() => undefined);
  if (text === undefined) {
    notes.tell(line, 'lost', 'the file cannot be read', 'put its names under resolver.hosts');
    return;
  }
  const hosts = new Map<string, string>();
  for (const row of text.split('\n')) {
    const [address = '', ...names] = row.replace(/#.*/, '').trim().split(/\s+/);
    const isAddress = parseHost(address.includes(':') ? `[${address}]` : address);
    if (!isAddress.ok || isAddress.value.kind === 'name') continue;
    for (const name of names) {
      const host = parseHost(name);
      if (host.ok && host.value.kind === 'name' && !hosts.has(host.value.text)) hosts.set(host.value.text, address);
    }
  }
  if (hosts.size === 0 || hosts.size > MAX_NAMES) return;
  draft.set('resolver', 'hosts', Object.fromEntries(hosts), [line]);
  notes.tell(
    line,
    'differs',
    'its names were copied; what changes in the file later is not seen',
    'keep them in /etc/hosts, or under resolver.hosts',
  );
}
