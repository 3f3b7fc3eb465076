// The system's table of TCP sockets: who listens, and whose connections are open. Called by the supports that start proxies.

import { existsSync, readFileSync } from 'node:fs';

/** As the table has them: ESTABLISHED and CLOSE_WAIT are connections that have not been closed on their own side. */
const OPEN = ['01', '08'];
const LISTENING = ['0A'];

/** Connections that processes of this machine have accepted on a port of 127.0.0.1 and not closed. */
export const openOn = (port: number): number =>
  rowsOf(port, OPEN).filter((local) => local.startsWith('0100007F:')).length;

/** Addresses on which somebody listens on this port. */
export const listenersOn = (port: number): number => rowsOf(port, LISTENING).length;

/** Local addresses, as the kernel writes them. */
function rowsOf(port: number, states: readonly string[]): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .filter((path) => existsSync(path))
    .flatMap((path) => readFileSync(path, 'latin1').split('\n').slice(1))
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([, local = '', , state = '']) => (local.endsWith(end) && states.includes(state) ? [local] : []));
}
