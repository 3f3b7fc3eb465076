// Targets by which programs made for Squid ask for its manager's reports: a path on our own port, or an URL of a scheme of
// its own. Pure; called by flow/serve-request.

export interface ManagerTarget {
  /** As it was spelled; empty for the list of them. */
  readonly report: string;
  /** Behind the name, as squidclient sends it: `info@secret`. */
  readonly password: string | undefined;
  /** For the log: the target without the password. */
  readonly url: string;
}

const PATH = '/squid-internal-mgr';
/** `cache_object://host/report@password`; the host may be anything, since it is us who are asked. */
const SCHEME = /^cache_object:\/\/[^/?#@]*(?=\/|$)/i;

/** Undefined: it is some other target. */
export function readManagerTarget(target: string): ManagerTarget | undefined {
  const rest = restOf(target);
  if (rest === undefined) return undefined;
  const path = rest.replace(/[?#].*/s, '');
  const at = path.indexOf('@');
  const named = at < 0 ? path : path.slice(0, at);
  const head = target.slice(0, target.length - rest.length);
  const password = at < 0 ? undefined : decoded(path.slice(at + 1));
  return { report: named.slice(1), password, url: `${head}${named}` };
}

/** What stands behind that which makes it a target of the manager: empty, or from a slash on. */
function restOf(target: string): string | undefined {
  if (target.startsWith(PATH)) {
    const rest = target.slice(PATH.length);
    return rest === '' || /^[/?#]/.test(rest) ? rest : undefined;
  }
  const scheme = SCHEME.exec(target)?.[0];
  return scheme === undefined ? undefined : target.slice(scheme.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
