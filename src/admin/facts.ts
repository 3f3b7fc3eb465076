// What is true of a proxy as a whole and cannot be added up from its processes. overview.ts has it, what it prints is made
// of it.

export interface Facts {
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** Milliseconds that it has been up. */
  readonly uptime: number;
  /** Processes that are to carry traffic, and that do. */
  readonly workers: { readonly wanted: number; readonly listening: number };
  /** The first port that it listens on. */
  readonly port: number;
  readonly ca: { readonly notAfter: Date };
  readonly draining: boolean;
  readonly ready: boolean;
  /** The last time that the config was to be used anew; absent: never. */
  readonly reload?: { readonly at: string; readonly ok: boolean } | undefined;
}
