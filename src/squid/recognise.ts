// Whether a config file is a squid.conf: by its name, or by its first directive. load.ts and the command line ask.

/** What knows Squid's directives is loaded only for a file that does not look like one of ours: each worker starts by this. */
export async function isSquidConf(file: string, text: string): Promise<boolean> {
  if (/(?:^|[/\\])squid[^/\\]*\.conf$/.test(file)) return true;
  for (const line of text.split('\n')) {
    const first = line.trim();
    if (first === '' || first.startsWith('#')) continue;
    // A key of YAML ends in a colon.
    const [, word = ''] = /^([a-z][\w]*)(?:\s+[^:\s]|$)/.exec(first) ?? [];
    return word !== '' && (await import('./known-directives.ts')).KNOWN_DIRECTIVES.has(word);
  }
  return false;
}
