// A service log that keeps what it is told, for tests of what is said and when.

import type { ServiceLog } from '../../src/log/service-log.ts';

export interface Said {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export function serviceRecorder(): { readonly log: ServiceLog; readonly said: Said[] } {
  const said: Said[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void said.push({ level, fields: { ...fields }, message });
  return { said, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}
