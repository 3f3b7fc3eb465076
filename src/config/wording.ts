// How a value, a choice and a path are put into words, the same in every message about the config.

/** Where in the config: keys and list indexes from the root. */
export type Path = readonly (string | number)[];

const MAX_SHOWN = 60;

/** A value as the message shows it after "got": short, on one line, and never the inside of a list or mapping. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys and values';
  if (typeof value !== 'string') return String(value);
  const text = hideCredentials(value);
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** What stands before the @ of a URL, in as many stars: it may be a password. */
export function hideCredentials(text: string): string {
  return text.replace(/(?<=\/\/).+(?=@)/g, (secret) => '*'.repeat(secret.length));
}

/** `a`, `a or b`, `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** `policy.rules[2].hosts[0]`; a key that is no plain word stands in brackets and quotes. */
export function formatPath(path: Path): string {
  return path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      return /^[A-Za-z_][\w-]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
    })
    .join('')
    .replace(/^\./, '');
}
