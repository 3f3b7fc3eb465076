// `deny_info`: what those are told whom a line denies that ends in one of its ACLs. import-squid.ts reads it, access.ts hangs
// it on the rules that come of such lines.

import { parseRedirect } from '../core/redirect.ts';
import { keyOf } from './acl-set.ts';
import type { Notes } from './note.ts';
import { pageText } from './page-text.ts';
import type { Directive } from './read-conf.ts';
import { type Desk, texts } from './translator.ts';

/** What a rule says to those whom it denies. */
export interface DenyWords {
  readonly message?: string;
  readonly redirect?: string;
  /** It closes without a word. */
  readonly closes?: true;
  readonly line: Directive;
}

/** Where Squid has its pages. */
const USUAL = ['/etc/squid/errors', '/usr/share/squid/errors/templates', '/usr/share/squid/errors/en'];

export class DenyInfo {
  readonly #words = new Map<string, DenyWords>();
  readonly #used = new Set<Directive>();

  /** `folder`: of `error_directory`, where there is one. */
  static async read(lines: readonly Directive[], folder: string | undefined, { notes }: Desk): Promise<DenyInfo> {
    const info = new DenyInfo();
    for (const line of lines) {
      const [page = '', ...acls] = texts(line);
      const words = await wordsOf(page, folder === undefined ? USUAL : [folder], line, notes);
      // Of two lines for one ACL, Squid takes the first.
      for (const acl of words ? acls.map(keyOf) : []) if (words && !info.#words.has(acl)) info.#words.set(acl, words);
    }
    return info;
  }

  /** What is said by a rule that comes of these lines, if it denies. */
  wordsFor(lines: readonly Directive[]): DenyWords | undefined {
    const line = lines.findLast(({ name }) => name === 'http_access');
    if (line?.words[0]?.text !== 'deny') return undefined;
    const words = this.#words.get(keyOf(line.words.at(-1)?.text.replace(/^!/, '') ?? ''));
    if (words) this.#used.add(words.line);
    return words;
  }

  /** Of those that no rule has come to say. */
  tellUnused(notes: Notes): void {
    for (const line of new Set([...this.#words.values()].map((words) => words.line))) {
      if (this.#used.has(line)) continue;
      const todo = 'write "message" or "redirect" on a rule that denies';
      notes.tell(line, 'lost', 'no rule is made of a line that denies and ends in it', todo);
    }
  }
}

async function wordsOf(
  text: string,
  folders: readonly string[],
  line: Directive,
  notes: Notes,
): Promise<DenyWords | undefined> {
  if (/^(?:\d{3}:)?TCP_RESET$/.test(text)) {
    notes.tell(line, 'differs', 'closed as soon as it is asked for; plain requests are refused in words', '');
    return { closes: true, line };
  }
  if (/^(?:\d{3}:)?[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const redirect = parseRedirect(text);
    if (redirect.ok) return { redirect: text, line };
    notes.tell(line, 'lost', `nobody can be sent there: ${redirect.reason}`, 'write "redirect" on the rule');
    return undefined;
  }
  const page = text.replace(/^\d{3}:/, '');
  const todo = 'write "message" on the rule, or put a page of that kind into the folder of "pages"';
  if (page !== text) notes.tell(line, 'differs', 'what is denied has status 403', '');
  if (/^ERR_(?:CACHE_)?ACCESS_DENIED$/.test(page)) {
    notes.tell(line, 'not-needed', 'it is what a denial looks like anyway', '');
    return undefined;
  }
  const message = /^ERR_[\w-]+$/.test(page) ? await pageText(page, folders) : undefined;
  if (message === undefined) {
    notes.tell(line, 'lost', `the page ${page} cannot be read`, todo);
    return undefined;
  }
  notes.tell(line, 'differs', 'the words of the page are the message of the rule, without its markup', todo);
  return { message, line };
}
