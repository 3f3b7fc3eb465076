// An independent reader of Squid's native access lines, written from the format's description alone: it shares nothing
// with the printer. Used by the log tests and by the tests against other proxies.

export interface NativeLine {
  readonly time: string;
  readonly elapsed: string;
  readonly client: string;
  readonly tag: string;
  readonly status: string;
  readonly bytes: string;
  readonly method: string;
  readonly url: string;
  readonly user: string;
  readonly hierarchy: string;
  readonly peer: string;
  readonly type: string;
}

/** The fields of one line; throws on a line that is not exactly ten fields in Squid's layout. */
export function readNativeLine(line: string): NativeLine {
  const time = line.match(/^ *\d+\.\d{3}(?= )/)?.[0] ?? '';
  if (time.length < 13) throw new Error(`no time, padded to nine and three, in: ${line}`);
  const rest = line.slice(time.length + 1);
  const elapsed = rest.match(/^ *\d+(?= )/)?.[0] ?? '';
  if (elapsed.length < 6) throw new Error(`elapsed is not padded to six in: ${line}`);
  const fields = rest.slice(elapsed.length + 1).split(' ');
  if (fields.length !== 8 || fields.includes('')) throw new Error(`${fields.length + 2} fields in: ${line}`);
  const [client = '', result = '', bytes = '', method = '', url = '', user = '', route = '', type = ''] = fields;
  const [tag = '', status = '', ...moreResult] = result.split('/');
  const [hierarchy = '', peer = '', ...moreRoute] = route.split('/');
  if (!/^[A-Z_]+$/.test(tag) || !/^\d{3}$/.test(status) || moreResult.length > 0) throw new Error(`result in: ${line}`);
  if (!/^[A-Z_]+$/.test(hierarchy) || peer === '' || moreRoute.length > 0) throw new Error(`route in: ${line}`);
  if (!/^\d+$/.test(bytes)) throw new Error(`bytes in: ${line}`);
  return { time, elapsed: elapsed.trim(), client, tag, status, bytes, method, url, user, hierarchy, peer, type };
}
