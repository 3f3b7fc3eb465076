// What a page of Squid's says, without its markup: as the message of a rule. Called by deny-info.ts.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_BYTES = 256 * 1024;
/** As long as a message may be. */
const MAX_TEXT = 1_000;

/** From the first of the folders that has it; undefined where none has, or where it says nothing. */
export async function pageText(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    const size = await stat(path).then(
      (stats) => (stats.isFile() ? stats.size : undefined),
      () => undefined,
    );
    if (size === undefined || size > MAX_BYTES) continue;
    const text = await readFile(path, 'utf8').then(plainText, () => '');
    if (text !== '') return text;
  }
  return undefined;
}

/** The words of a page, a line for each of its blocks; Squid's macros stay in it. */
export function plainText(page: string): string {
  const text = page
    .replace(/<!--[\s\S]*?(?:-->|$)/g, ' ')
    .replace(/<(head|style|script|title)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, ' ')
    .replace(/\s+/g, ' ')
    .replace(/<(?:br|hr|p|h\d|div|li|tr|blockquote)\b[^>]*>|<\/(?:p|h\d|div|li|tr|blockquote)\s*>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(\w+|#\d{1,5});/g, entity)
    .replace(/[^\n\P{Cc}]|[\p{Cf}\p{Cs}\u2028\u2029]/gu, '')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n[ \n]*/g, '\n')
    .trim();
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' };

function entity(whole: string, name: string): string {
  return name.startsWith('#') ? String.fromCodePoint(Number(name.slice(1))) : (ENTITIES[name] ?? whole);
}
