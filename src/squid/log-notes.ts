// Tells the service log what the translation of a squid.conf has to warn of. Called when a proxy starts from one, and when it
// reads it anew.

import type { ServiceLog } from '../log/service-log.ts';
import { type Note, warningsIn } from './note.ts';

/** What is unsafe or stricter, line by line; of the rest, how to read it. */
export function logNotes(notes: readonly Note[], file: string, service: Pick<ServiceLog, 'warn' | 'info'>): void {
  for (const { file, line, about, why, todo } of warningsIn(notes)) {
    service.warn({ line: `${file}:${line}`, directive: about, do: todo }, why);
  }
  if (notes.length === 0) return;
  service.info(
    { config: file, notes: notes.length },
    'translated from a squid.conf: "import" shows all there is to say about it',
  );
}
