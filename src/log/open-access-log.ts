// Opens the access log for a proxy that starts. Called by proxy.ts.

import { ProxyError } from '../core/errors.ts';
import { AccessLog, type AccessLogOptions } from './access-log.ts';
import type { ServiceLog } from './service-log.ts';

/** A log that fails later is told and tried again; one that fails now would hide from the first request on: it throws ProxyError `log-failed`. */
export async function openAccessLog(options: readonly AccessLogOptions[], service: ServiceLog): Promise<AccessLog> {
  let failed: ProxyError | undefined;
  let onError = (error: ProxyError): void => {
    failed ??= error;
  };
  const accessLog = AccessLog.open(options, (error) => onError(error));
  if (failed) {
    await accessLog.close();
    const mend = 'make it writable for this user, or name another path under "log".';
    throw new ProxyError('log-failed', `${failed.detail}: ${mend}`, { cause: failed });
  }
  onError = (error) => service.error({ error: error.message }, 'access log');
  return accessLog;
}
