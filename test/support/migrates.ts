// Whether this kernel has clients who wait at a port that closes go to another process that listens on it, as README advises
// where proxies change places. Else it breaks one off, now and then. CI says that it shall.

import { readFileSync } from 'node:fs';

export const MIGRATES = ((): boolean => {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'latin1').trim() !== '0';
  } catch {
    return false;
  }
})();
