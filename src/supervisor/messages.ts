// What the supervisor and its workers say to each other: plain data, copied on its way through the channel between them.

import type { Config } from '../config/config.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Endpoint } from '../core/session.ts';
import type { Listing, ListingPart } from '../flow/listing.ts';
import type { Activity } from '../log/activity.ts';
import type { Measures } from '../metrics/measures.ts';
import type { GivenFds } from '../net/given-sockets.ts';
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
  /** Sockets that it has from us, by what the config asks for. */
  readonly given: GivenFds;
  /** Where operators are answered over TCP, which no reload moves. */
  readonly admin: Endpoint | undefined;
  /** Others have served before it, and it is no time to be strict: a log that cannot be written now may be later. */
  readonly later: boolean;
}

/** Another config, to be made ready beside the one in use. */
export interface Prepare extends Pick<Start, 'workers' | 'config' | 'ca'> {
  readonly type: 'prepare';
  /** Which one it is: an answer that comes late must not be taken for that to the next. */
  readonly offer: number;
}

export type ToWorker =
  | Start
  | Prepare
  /** What was made ready is used, or given up. */
  | { readonly type: 'commit'; readonly offer: number }
  | { readonly type: 'abandon'; readonly offer: number }
  | { readonly type: 'renew-tickets'; readonly ticketMaster: Uint8Array }
  | { readonly type: 'reopen-logs' }
  | { readonly type: 'count' }
  | { readonly type: 'measure' }
  | { readonly type: 'list'; readonly parts: readonly ListingPart[] }
  /** The answer to `ask-report`; without a text there is no such report. */
  | { readonly type: 'report'; readonly id: number; readonly text?: string | undefined }
  | { readonly type: 'activity' }
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
  | { readonly type: 'prepared'; readonly offer: number }
  | { readonly type: 'refused'; readonly offer: number; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: 'committed'; readonly offer: number }
  | { readonly type: 'abandoned'; readonly offer: number }
  /** `failure`: some could not be. */
  | { readonly type: 'logs-reopened'; readonly failure?: string }
  /** None of the workers may go on. */
  | { readonly type: 'fatal'; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: 'counted'; readonly connections: number }
  | { readonly type: 'measured'; readonly measures: Measures }
  | { readonly type: 'listed'; readonly listing: Listing }
  /** A client of it wants a report of the manager, which tells of all workers. */
  | { readonly type: 'ask-report'; readonly id: number; readonly name: string }
  | { readonly type: 'active'; readonly activity: Activity }
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

const TO_WORKER: readonly ToWorker['type'][] = [
  'start',
  'prepare',
  'commit',
  'abandon',
  'renew-tickets',
  'reopen-logs',
  'count',
  'measure',
  'list',
  'report',
  'activity',
  'stop-accepting',
  'close',
];
const FROM_WORKER: readonly FromWorker['type'][] = [
  'ready',
  'beat',
  'listening',
  'failed',
  'prepared',
  'refused',
  'committed',
  'abandoned',
  'logs-reopened',
  'fatal',
  'counted',
  'measured',
  'listed',
  'ask-report',
  'active',
  'stopped-accepting',
  'leaving',
];

function hasType(message: unknown, types: readonly string[]): boolean {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  return typeof message.type === 'string' && types.includes(message.type);
}
