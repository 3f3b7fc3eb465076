// Headers of the PROXY protocol, written independently of the reader, for its tests and for those of whole connections.

import { isIPv6 } from 'node:net';

export const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

export interface Told {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
}

export const TOLD: Told = { from: '203.0.113.7', fromPort: 51_234, to: '198.51.100.9', toPort: 443 };

export function lineHeader({ from, fromPort, to, toPort }: Told = TOLD): Buffer {
  return Buffer.from(`PROXY TCP${isIPv6(from) ? 6 : 4} ${from} ${to} ${fromPort} ${toPort}\r\n`);
}

/** `rest`: addresses and extensions. */
export function binaryHeader(command: number, family: number, rest: Buffer): Buffer {
  const fixed = Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, rest]);
}

/** IPv4 addresses and ports, as they stand in version 2. */
export function inet({ from, fromPort, to, toPort }: Told = TOLD): Buffer {
  const ports = Buffer.from([fromPort >> 8, fromPort & 0xff, toPort >> 8, toPort & 0xff]);
  return Buffer.concat([Buffer.from([...from.split('.'), ...to.split('.')].map(Number)), ports]);
}

export function extension(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}
