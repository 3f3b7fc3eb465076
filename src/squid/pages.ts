// `error_directory`: pages of the administrator's own, for ours to take as they are.

import { asProxyError } from '../core/errors.ts';
import { CustomPages } from '../http/custom-pages.ts';
import type { Directive } from './read-conf.ts';
import type { Desk } from './translator.ts';

export async function readPages(line: Directive | undefined, { draft, notes, absolute }: Desk): Promise<void> {
  if (!line) return;
  const folder = absolute(line.rest);
  try {
    const { warnings } = await CustomPages.open(folder);
    for (const warning of warnings) notes.tell(line, 'differs', warning, '');
    draft.set('pages', '', folder, [line]);
  } catch (thrown) {
    // Squid falls back to its own; a config of ours that names them would not start.
    notes.tell(line, 'lost', asProxyError(thrown).detail, 'write the folder as "pages" once it is there');
  }
}
