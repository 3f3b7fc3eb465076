// Where the control socket of a proxy is that runs from a squid.conf: beside the file that Squid wrote its number into.

import { dirname, join } from 'node:path';

/** `pid`: an absolute path. */
export const socketBeside = (pid: string): string => join(dirname(pid), 'sallyport.sock');
