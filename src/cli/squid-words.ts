// The words of Squid's own command line, `-k reconfigure -f squid.conf`, as ours. Called by main.ts before they are parsed.

/** What Squid calls it, and what we do. */
const VERBS: Readonly<Record<string, readonly string[]>> = {
  parse: ['check'],
  check: ['alive'],
  reconfigure: ['reload'],
  restart: ['reload'],
  rotate: ['rotate'],
  shutdown: ['drain'],
  interrupt: ['stop'],
  kill: ['stop'],
};

export const SQUID_VERBS = Object.keys(VERBS);

/** Commands that take the file as Squid does. */
const WITH_FILE = ['run', 'up', 'check', 'reload', 'rotate', 'drain', 'stop', 'test'];

/** Words that are not Squid's are handed back as they are; a verb that nobody knows is left for the parser to refuse. */
export function squidWords(words: readonly string[]): readonly string[] {
  const [first = ''] = words;
  if (WITH_FILE.includes(first)) return words.map((word) => (word === '-f' ? '--config' : word));
  if (!/^-[kfNYCDSsXznd]/.test(first)) return words;
  let verb: string | undefined;
  let file: string | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, flag = '', glued = ''] = /^-([kfn])(.*)$/.exec(word) ?? [];
    // How Squid runs (-N, -Y, -d 1) says nothing here; it is always in the foreground.
    if (flag === '' && !/^-[NYCDSsXzd]\w*$|^\d+$/.test(word)) return words;
    if (flag === '') continue;
    const value = glued === '' ? words[++at] : glued;
    if (value === undefined) return words;
    if (flag === 'k') verb = value;
    if (flag === 'f') file = value;
  }
  const command = verb === undefined ? (file === undefined ? undefined : ['run']) : VERBS[verb];
  if (!command) return verb === undefined ? words : ['-k', verb];
  return [...command, ...(file === undefined ? [] : ['--config', file])];
}
