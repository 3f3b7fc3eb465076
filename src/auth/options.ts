// The options that auth/ wants; config/ reads them.

export const DEFAULT_REALM = 'Sallyport';

export interface BasicOptions {
  /** Absolute path of a file as `htpasswd` writes it. */
  readonly htpasswd: string;
  /** What a client shows to its user when it asks for the password (RFC 9110 section 11.5). */
  readonly realm: string;
}

export interface AuthOptions {
  readonly basic?: BasicOptions;
  /** Absolute path of a file with the digests of tokens. */
  readonly tokens?: string;
  /** Users by group. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Absolute path of a file with more of them, as Apache has it. */
  readonly groupFile?: string;
}
