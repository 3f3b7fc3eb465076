// The thread beside the event loop that compares passwords with hashes, one after another. Started by hash-pool; whoever
// else imports this file gets nothing but its address.

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fits, type PasswordHash } from './password-hash.ts';

/** What is asked of the thread; it answers with true or false, in the order of the questions. */
export interface HashQuestion {
  readonly hash: PasswordHash;
  readonly password: string;
}

/** Says in the thread's data that it is this one: a test runner may have threads too. */
export const HASH_THREAD = 'sallyport-hash-thread';
export const HASH_THREAD_URL = new URL(import.meta.url);

if (!isMainThread && workerData === HASH_THREAD) {
  const port = parentPort;
  port?.on('message', ({ hash, password }: HashQuestion) => port.postMessage(fits(hash, password)));
}
