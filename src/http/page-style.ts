// What all refusals of a proxy have in common: who speaks, whom to ask, and pages of the administrator's own. proxy.ts makes
// it once, whoever tells a refusal has it from flow/services.

import type { CustomPages } from './custom-pages.ts';

export interface RefusalOptions {
  /** An address, or a sentence: whom those who are refused may ask. */
  readonly contact?: string | undefined;
  /** Absolute path of a folder with pages of our own; see custom-pages.ts. */
  readonly pages?: string;
}

export interface PageStyle {
  /** Our name in Proxy-Status (RFC 9209 section 2): that in Via, where there is one. */
  readonly proxy: string;
  /** The name of this machine, as `%h` shows it. */
  readonly host: string;
  readonly contact: string | undefined;
  readonly custom: CustomPages | undefined;
}
