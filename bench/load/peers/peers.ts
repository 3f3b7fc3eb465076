// Every proxy of the bench, in the order of the columns. goproxy is a library without a Debian package and stays out.

import { haproxy } from './haproxy.ts';
import { mitmproxy } from './mitmproxy.ts';
import type { Peer } from './peer.ts';
import { sallyport, sallyportAuto } from './sallyport.ts';
import { squid } from './squid.ts';
import { tinyproxy } from './tinyproxy.ts';

export const PEERS: readonly Peer[] = [sallyport, sallyportAuto, squid, haproxy, mitmproxy, tinyproxy];
