// Lines of the access log before anything has happened: what is measured is left out. Called by predict.ts.

import type { ParentCode } from '../core/hierarchy.ts';
import { loggedName } from '../core/identity.ts';
import type { AccessLogEntry, ResultTag } from '../log/access-log-entry.ts';
import { logFormat } from '../log/log-format.ts';

/** What the proxy would log, as far as it is known beforehand. */
export interface LoggedAs {
  readonly tag: ResultTag;
  readonly status: number;
  readonly contentType?: string;
  /** The address that would be dialled; absent where none would be. */
  readonly peer?: string;
  /** How a parent would be chosen; absent where the origin is dialled. */
  readonly code?: ParentCode;
  /** 0 where the proxy logs a zero whatever it sent. */
  readonly size?: 0;
}

const squid = logFormat('squid');

export class LogPreview {
  readonly #client: string;
  readonly #user: string | undefined;

  constructor(client: string, user?: string) {
    this.#client = client;
    this.#user = user;
  }

  /** A line in Squid's format from its third field on (the first are time and duration), with `N` for a size. */
  line({ size, code, ...logged }: LoggedAs & { readonly method: string; readonly url: string }): string {
    const entry: AccessLogEntry = {
      ...UNMEASURED,
      ...logged,
      client: this.#client,
      user: this.#user && loggedName(this.#user),
      hierarchy: logged.peer === undefined ? 'HIER_NONE' : (code ?? 'HIER_DIRECT'),
    };
    const [client = '', result = '', , ...rest] = squid(entry).trim().split(/ +/).slice(2);
    const sent = size === 0 || logged.status === 0 ? '0' : 'N';
    return [client, result, sent, ...rest].join(' ');
  }
}

const UNMEASURED = { time: 0, elapsed: 0, bytes: 0, session: '-', outcome: 'answered' } as const;
