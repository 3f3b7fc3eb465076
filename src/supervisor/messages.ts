// What the supervisor and its workers say to each other: plain data, copied on its way through the channel between them.

import type { Config } from '../config/config.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { HandedCa } from '../pki/handed-ca.ts';

/** The first that a worker is told, and all it needs to begin. */
export interface Start {
  readonly type: 'start';
  /** The number of this worker, from 1, and how many there are. */
  readonly worker: number;
  readonly workers: number;
  /** Not its file, which may have changed since the others read it; its ports are those that all shall open. */
  readonly config: Config;
  readonly ca: HandedCa;
  readonly ticketMaster: Uint8Array;
}

export type ToWorker =
  | Start
  | { readonly type: 'renew-tickets'; readonly ticketMaster: Uint8Array }
  | { readonly type: 'reopen-logs' }
  | { readonly type: 'stop-accepting' }
  | { readonly type: 'close'; readonly grace: number };

export type FromWorker =
  /** Its code is loaded; it waits for its start. */
  | { readonly type: 'ready' }
  /** Said again and again from then on: its event loop turns. */
  | { readonly type: 'beat' }
  | { readonly type: 'listening' }
  /** It could not begin, and ends. */
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: 'logs-reopened' }
  | { readonly type: 'stopped-accepting'; readonly connections: number }
  /** It met a fault and lets nobody in any more; it ends when what it has is done. */
  | { readonly type: 'leaving' };

/** Both ends are this very program, so that the type says all. */
export function isToWorker(message: unknown): message is ToWorker {
  return hasType(message, TO_WORKER);
}

export function isFromWorker(message: unknown): message is FromWorker {
  return hasType(message, FROM_WORKER);
}

const TO_WORKER: readonly ToWorker['type'][] = ['start', 'renew-tickets', 'reopen-logs', 'stop-accepting', 'close'];
const FROM_WORKER: readonly FromWorker['type'][] = [
  'ready',
  'beat',
  'listening',
  'failed',
  'logs-reopened',
  'stopped-accepting',
  'leaving',
];

function hasType(message: unknown, types: readonly string[]): boolean {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  return typeof message.type === 'string' && types.includes(message.type);
}
