// Pages of the administrator's own in place of ours, as Squid has them: a folder of files named after Squid's errors, and, for
// readers of several languages, such folders within it. Read once at start, by proxy.ts; refusal-body.ts asks for them.

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf, ProxyError } from '../core/errors.ts';

export interface CustomPage {
  /** With Squid's %-macros, see macros.ts. */
  readonly text: string;
  /** The folder it comes from, where that is a language. */
  readonly language: string | undefined;
}

/** Beyond this a file is no page, and was named by mistake. */
const MAX_BYTES = 256 * 1024;
/** Squid has eighty folders of forty pages. */
const MOST_PAGES = 10_000;
/** A logformat code in a page, since Squid 5. */
const LOGFORMAT = /@Squid\{/;
const NAME = /^ERR_[A-Z0-9_]+$/;
/** RFC 5646, as Squid's folders are called: `de`, `pt-br`, `zh-hans`. */
const LANGUAGE = /^[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}$/;

export class CustomPages {
  /** By language, `` for none, and within it by name. */
  readonly #pages = new Map<string, Map<string, string>>();
  readonly #warnings: string[] = [];

  /** Throws ProxyError `config-invalid`: the folder, or a file in it, cannot be read, or is no page. */
  static async open(folder: string): Promise<CustomPages> {
    const pages = new CustomPages();
    let count = await pages.#read(folder, '');
    for (const entry of await entriesOf(folder)) {
      if (!LANGUAGE.test(entry.toLowerCase()) || !(await stat(join(folder, entry))).isDirectory()) continue;
      count += await pages.#read(join(folder, entry), entry.toLowerCase());
      if (count > MOST_PAGES) throw unusable(folder, `there are more than ${MOST_PAGES} pages in it`);
    }
    if (count === 0) throw unusable(folder, 'there is no page in it: pages are files such as ERR_ACCESS_DENIED');
    return pages;
  }

  /** The page of this name in the language that the client would rather read; `languages`: values of Accept-Language. */
  find(name: string, languages: readonly string[]): CustomPage | undefined {
    for (const wanted of this.#pages.size > 1 ? wantedOf(languages) : []) {
      const language = [wanted, wanted.replace(/-.*/, '')].find((one) => this.#pages.get(one)?.has(name));
      const text = language && this.#pages.get(language)?.get(name);
      if (text) return { text, language };
    }
    // In a folder of languages alone, English stands for the rest, as with Squid.
    const [plain, english] = [this.#pages.get('')?.get(name), this.#pages.get('en')?.get(name)];
    if (plain !== undefined) return { text: plain, language: undefined };
    return english === undefined ? undefined : { text: english, language: 'en' };
  }

  /** What will not be read as it was meant, a sentence each. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Whether what is sent hangs on the language of the client. */
  get hasLanguages(): boolean {
    return [...this.#pages.keys()].some((language) => language !== '');
  }

  async #read(folder: string, language: string): Promise<number> {
    const names = (await entriesOf(folder)).filter((name) => NAME.test(name));
    if (names.length === 0) return 0;
    const texts = new Map<string, string>();
    for (const name of names) {
      const text = await readPage(join(folder, name));
      texts.set(name, text);
      if (LOGFORMAT.test(text))
        this.#warnings.push(
          `${join(folder, name)}: @Squid{...} is not expanded: write a macro such as %c in its place`,
        );
    }
    this.#pages.set(language, texts);
    return names.length;
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (thrown) {
    throw unusable(folder, `it cannot be read (${messageOf(thrown)})`);
  }
}

async function readPage(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1024} KiB`);
    bytes = await readFile(file);
  } catch (thrown) {
    throw unusable(file, `it cannot be used as the page ${basename(file)} (${messageOf(thrown)})`);
  }
  // What is no UTF-8 is taken for what Squid's oldest pages are in.
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

const unusable = (path: string, why: string): ProxyError => new ProxyError('config-invalid', `pages: ${path}: ${why}.`);

const MOST_LANGUAGES = 32;

/** In lower case, the most wanted first (RFC 9110 section 12.5.4). */
function wantedOf(values: readonly string[]): readonly string[] {
  const ranges = values.join(',').slice(0, 1_024).toLowerCase().split(',').slice(0, MOST_LANGUAGES);
  return ranges
    .flatMap((range) => {
      const [, language = '', q = '1'] = /^\s*([a-z\d-]+)\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?$/.exec(range) ?? [];
      return LANGUAGE.test(language) && Number(q) > 0 ? [{ language, q: Number(q) }] : [];
    })
    .sort((a, b) => b.q - a.q)
    .map(({ language }) => language);
}
