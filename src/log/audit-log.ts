// The audit log of what operators do: one line of JSON for each change, in its file before it is answered. Called by the
// supervising process. The exceptions of clients are written to the same file, by exceptions/.

import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** `fields` are plain; what came from outside cannot end the line. Throws what the system says. */
export async function writeAudit(path: string, fields: Readonly<Record<string, unknown>>, now: Date): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'a', 0o640);
  try {
    await handle.appendFile(`${auditText(fields, now)}\n`);
  } finally {
    await handle.close();
  }
}

function auditText(fields: Readonly<Record<string, unknown>>, now: Date): string {
  return JSON.stringify({ time: now.toISOString(), ...fields }).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
