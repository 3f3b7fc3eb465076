// Opens the access log for a proxy that starts. Called by proxy.ts.

import { ProxyError } from '../core/errors.ts';
import { AccessLog, type AccessLogOptions, type AccessLogParts } from './access-log.ts';
import { absentIn } from './log-format.ts';
import type { LogState } from './log-state.ts';
import type { ServiceLog } from './service-log.ts';

/**
 * A log that fails later is told and tried again; one that fails now would hide from the first request on: it throws
 * ProxyError `log-failed`, unless it is `tolerant`.
 */
export async function openAccessLog(
  options: readonly AccessLogOptions[],
  service: ServiceLog,
  {
    tolerant = false,
    ...parts
  }: Pick<AccessLogParts, 'select' | 'onFatal'> & { readonly tolerant?: boolean | undefined } = {},
): Promise<AccessLog> {
  let failed: ProxyError | undefined;
  let onError = (error: ProxyError): void => {
    failed ??= error;
  };
  let isOpen = false;
  const onState = (path: string, state: LogState, lost: number): void => {
    if (isOpen) tellState(service, path, state, lost);
  };
  const accessLog = AccessLog.open(options, (error) => onError(error), { ...parts, onState });
  if (failed && !tolerant) {
    await accessLog.close();
    const mend = 'make it writable for this user, or name another path under "log".';
    throw new ProxyError('log-failed', `${failed.detail}: ${mend}`, { cause: failed });
  }
  isOpen = true;
  onError = (error) => service.error({ error: error.message }, 'access log');
  if (failed) onError(failed);
  for (const { format, path } of options) {
    const absent = absentIn(format);
    if (absent.length > 0) service.info({ log: path, codes: absent }, 'codes of this log format that are always "-"');
  }
  return accessLog;
}

function tellState(service: ServiceLog, log: string, state: LogState, lost: number): void {
  if (state === 'failing')
    service.error(
      { log },
      'access log cannot be written where it belongs: its lines wait in memory, or go to the file of before',
    );
  else if (state === 'dropping')
    service.error({ log, lost }, 'access log has no room in memory either: lines are dropped');
  else service.warn({ log, lost }, 'access log is written again');
}
