// Text that comes from outside (hosts, certificates, reasons) made fit for a terminal, and figures as people read them.
// Called by doctor, status and top.

import { stripVTControlCharacters } from 'node:util';

/** It can neither steer a terminal nor take more room than it has characters. */
export function plainly(text: string): string {
  return stripVTControlCharacters(text).replace(/[^\x20-\x7e]/g, '?');
}

export function inBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** The two largest units of a time in milliseconds. */
export function inTime(milliseconds: number): string {
  let seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0 || parts.length > 0) parts.push(`${count} ${unit}`);
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? '0 s' : parts.filter((part, index) => index === 0 || !part.startsWith('0 ')).join(' ');
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** How many in a second. */
export function inRate(rate: number): string {
  if (rate === 0) return '0';
  if (rate < 0.05) return '<0.1';
  return rate < 9.95 ? rate.toFixed(1) : String(Math.round(rate));
}
