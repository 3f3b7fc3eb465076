// `sallyport -k check`: is the config sound, and does a proxy run with it? As Squid asks its running copy.

import { askAdmin } from '../admin/admin-client.ts';
import { messageOf } from '../core/errors.ts';
import { loadConfig } from '../squid/load.ts';
import { configToldBy, isSameFile } from './config-in-use.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { plainly } from './plainly.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds: it only has to say that it is there. */
const PATIENCE = 5_000;

export async function alive(terminal: Terminal, { config: file }: { readonly config: string }): Promise<ExitCode> {
  const { admin } = await loadConfig(file);
  if (admin.socket === undefined) {
    terminal.err(`${file} has no control socket (admin.socket: off).\n`);
    return EXIT.failed;
  }
  try {
    const { status, body } = await askAdmin(admin.socket, 'GET', '/v1/status', PATIENCE);
    const running = status === 200 ? configToldBy(body) : undefined;
    if (running === undefined) return EXIT.failed;
    if (await isSameFile(running, file)) return EXIT.ok;
    terminal.err(`No proxy runs with ${file}: the one at ${admin.socket} runs with ${plainly(running)}.\n`);
    return EXIT.notRunning;
  } catch (thrown) {
    terminal.err(`No proxy runs with ${file}: ${messageOf(thrown)}.\n`);
    return EXIT.notRunning;
  }
}
