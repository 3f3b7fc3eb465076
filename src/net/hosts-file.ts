// The system's hosts file as a map, read again when it changed. Called by the resolver when it asks the system.

import { readFileSync, statSync } from 'node:fs';
import { parseHost } from '../core/authority.ts';

/** Milliseconds between two looks at the file's time of change. */
const RECHECK = 5_000;

export class HostsFile {
  readonly #path: string;
  #names: ReadonlyMap<string, readonly string[]> = new Map();
  #changed = -1;
  #checkedAt = Number.NEGATIVE_INFINITY;

  constructor(path = '/etc/hosts') {
    this.#path = path;
  }

  /** The addresses of a canonical name, or undefined. A file that cannot be read has no names. */
  lookup(host: string, now = performance.now()): readonly string[] | undefined {
    if (now - this.#checkedAt >= RECHECK) {
      this.#checkedAt = now;
      this.#reload();
    }
    return this.#names.get(host);
  }

  #reload(): void {
    try {
      const changed = statSync(this.#path).mtimeMs;
      if (changed === this.#changed) return;
      this.#names = parseHosts(readFileSync(this.#path, 'utf8'));
      this.#changed = changed;
    } catch {
      this.#names = new Map();
      this.#changed = -1;
    }
  }
}

/** hosts(5): an address, then names, `#` begins a comment. Lines that are not so are passed over. */
export function parseHosts(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [addressText, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = parseHost(addressText?.includes(':') ? `[${addressText}]` : (addressText ?? ''));
    if (!address.ok || address.value.kind === 'name') continue;
    for (const alias of aliases) {
      const name = parseHost(alias);
      if (!name.ok) continue;
      const known = names.get(name.value.text);
      if (known) known.push(address.value.text);
      else names.set(name.value.text, [address.value.text]);
    }
  }
  return names;
}
