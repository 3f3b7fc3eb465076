// What an operator can have done, and see. The supervising process gives it to the admin server; routes call it.

import type { ErrorCode } from '../core/errors.ts';
import type { Endpoint } from '../core/session.ts';

export interface Controls {
  /** Reads the config anew and uses it, or keeps the one before. Never rejects. */
  reload(by: string): Promise<ReloadOutcome>;
  /** Goes on in new log files under the old names. Never rejects. */
  rotate(by: string): Promise<RotateOutcome>;
  /**
   * Lets nobody in any more; what is in flight has `grace` milliseconds. Resolves with the connections that are left; the
   * process ends when they have.
   */
  drain(by: string, grace: number): Promise<{ readonly connections: number }>;
  /** The same for a proxy that takes this one's place, and gets the admin port as well. */
  retire(by: string, grace: number): Promise<{ readonly connections: number }>;
  status(): Promise<Status>;
}

/** `error`: what was not renamed, or not opened anew. */
export interface RotateOutcome {
  readonly ok: boolean;
  readonly error?: string;
}

export type ReloadOutcome =
  /** `changed`: keys of the config that are not as before; `waiting`: those of them that only a restart can change. */
  | {
      readonly ok: true;
      readonly generation: number;
      readonly changed: readonly string[];
      readonly waiting: readonly string[];
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly error: string };

export interface Status {
  readonly pid: number;
  readonly version: string;
  /** Absolute path of the config file. */
  readonly config: string;
  /** ISO 8601. */
  readonly started: string;
  readonly state: 'running' | 'draining';
  /** How often the config was used anew, from 1. */
  readonly generation: number;
  readonly addresses: readonly Endpoint[];
  /** Processes that carry traffic. */
  readonly workers: number;
  /** Connections of clients, all workers together. */
  readonly connections: number;
  /** The last time that it was to be used anew; absent: never. */
  readonly reload?: { readonly at: string; readonly by: string } & ReloadOutcome;
  readonly ca: { readonly sha256: string; readonly notAfter: string };
}
