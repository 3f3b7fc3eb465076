// Who may ask for Squid's manager reports on the proxy's own port. config/ reads it, flow/ holds requests against it.

export interface ManagerOptions {
  /** Addresses and ranges. */
  readonly clients: readonly string[];
  /** What they have to know, or the absolute path of a file whose first line is that; neither: nothing. */
  readonly password?: string;
  readonly passwordFile?: string;
}

/** This machine, as Squid has it. */
export const MANAGER_CLIENTS: readonly string[] = ['127.0.0.0/8', '::1'];
