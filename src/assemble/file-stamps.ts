// Which files a part was made of, as one text that is another when one of them has changed: what has not need not be made
// anew. Called by generation.ts.

import { stat } from 'node:fs/promises';

export async function fileStamps(paths: readonly (string | undefined)[]): Promise<string> {
  const stamps = await Promise.all(
    paths.map(async (path) => {
      if (path === undefined || path === 'system') return '';
      const stats = await stat(path, { bigint: true }).catch(() => undefined);
      return stats ? `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : 'not there';
    }),
  );
  return stamps.join(', ');
}
