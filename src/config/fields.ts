// The kinds of value that stand in a config, each as a schema that says in plain words what it expects. schema.ts
// puts them together.

import * as z from 'zod';
import { type Parsed, parseAuthority, parseHost } from '../core/authority.ts';
import { parseRedirect } from '../core/redirect.ts';
import type { ParentUrl } from '../net/options.ts';
import { MAX_DURATION, parseDuration } from './duration.ts';
import { fillIn } from './environment.ts';
import { oneOf, show } from './wording.ts';

/** What every message about a wrong value looks like. */
export const expected =
  (what: string) =>
  ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? `is missing: expected ${what}` : `expected ${what}, got ${show(input)}`;

/** A text that `parse` turns into a value; a refusal is told with the reason that `parse` gives. */
function text<T>(what: string, parse: (text: string) => Parsed<T>) {
  return z.string({ error: expected(what) }).transform((input, context): T => {
    const parsed = parse(input);
    if (parsed.ok) return parsed.value;
    context.issues.push({ code: 'custom', input, message: `expected ${what}, got ${show(input)}: ${parsed.reason}` });
    return z.NEVER;
  });
}

const ok = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = (reason: string): Parsed<never> => ({ ok: false, reason });

export const choice = <const T extends readonly string[]>(words: T) => z.enum(words, { error: expected(oneOf(words)) });

export const integer = (what: string, least: number, most: number) => {
  const error = expected(`${what} from ${least} to ${most}`);
  return z.int({ error }).min(least, { error }).max(most, { error });
};

export const port = integer('a port', 0, 65_535);

/** Milliseconds. `least` is 1 where zero would mean not to wait at all. */
export const duration = (least: 0 | 1) =>
  text('a duration such as 10s', (input) => {
    const parsed = parseDuration(input);
    return parsed.ok && parsed.value < least
      ? bad(`it is longer than 0 and at most ${MAX_DURATION / 3_600_000}h`)
      : parsed;
  });

/** A path, its variables filled in; it is made absolute where the file that names it is known. */
export const path = text('a path', (input) => {
  if (input === '') return bad('it is empty');
  return input.includes('\0') ? bad('it holds a NUL character') : fillIn(input);
});

export const hostName = text('a host name', hostNameText);

/** The canonical host name, or why the text is none. */
export function hostNameText(input: string): Parsed<string> {
  const host = parseHost(input);
  if (!host.ok) return host;
  return host.value.kind === 'name' ? ok(host.value.text) : bad('it is an address');
}

/** An IPv4 or IPv6 address without port or brackets, in canonical form. */
export const address = text('an IP address', (input) => {
  if (/^[^:]*:\d*$|\]/.test(input)) return bad('it stands without port and brackets');
  const host = parseHost(input.includes(':') ? `[${input}]` : input);
  if (!host.ok) return host;
  return host.value.kind === 'name' ? bad('it is a name') : ok(host.value.text);
});

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`, as `dns.setServers` takes them. */
export const nameServer = text('the address of a name server', (input) => {
  const bare = parseHost(`[${input}]`);
  if (bare.ok) return ok(bare.value.text);
  const server = parseAuthority(input, 53);
  if (!server.ok) return server;
  return server.value.kind === 'name' ? bad('it is a name, and nobody is there yet to resolve it') : ok(input);
});

const PARENT_URL = 'the URL of a proxy, such as http://proxy.example.com:3128';

/** What stands before an @ may be a password: it is in no message. */
export const parentUrl = z.string({ error: expected(PARENT_URL) }).transform((input, context): ParentUrl => {
  const issue = (message: string): never => {
    context.issues.push({ code: 'custom', input, message });
    return z.NEVER;
  };
  if (input.includes('@'))
    return issue('a URL here has no user and password: write "user" and "passwordFile" beside it');
  const split = /^(https?):\/\/([^/?#]*)\/?$/i.exec(input);
  if (!split) return issue(`expected ${PARENT_URL}, got ${show(input)}`);
  const authority = parseAuthority(split[2] ?? '');
  if (!authority.ok) return issue(`expected ${PARENT_URL}, got ${show(input)}: ${authority.reason}`);
  return { secure: split[1]?.toLowerCase() === 'https', authority: authority.value };
});

/** A text that is in no message; YAML takes 12345 and yes for something else. */
export const secret = z
  .string({ error: 'expected text in quotes' })
  .regex(/^[^\x00-\x1f\x7f]+$/, { error: 'expected text of one line' });

/** The part before the colon of Basic credentials (RFC 7617 section 2). */
export const userName = text('a user name', (input) =>
  /^[^:\x00-\x1f\x7f]+$/.test(input) ? ok(input) : bad('it is empty, or holds a colon or a control character'),
);

/** A name that stands in log lines and sentences. */
export const parentName = text('a name of letters, digits, dots and hyphens', (input) =>
  /^[\w.-]{1,32}$/.test(input) ? ok(input) : bad('it is one word of at most 32 characters'),
);

/** The pseudonym for Via, a token of RFC 9110 section 5.6.2; undefined for `off` and `false`. */
export const pseudonym = z
  .union([z.string(), z.literal(false)], { error: expected('a name of one word, or off') })
  .transform((input, context): string | undefined => {
    if (input === false || input === 'off') return undefined;
    if (/^[\w!#$%&'*+.^`|~-]{1,100}$/.test(input)) return input;
    context.issues.push({ code: 'custom', input, message: expected('a name of one word, or off')({ input }) });
    return z.NEVER;
  });

export const redirect = text('a URL such as https://intranet.example.com/denied?url=%u', parseRedirect);

/** A line or a few for people; what a terminal would obey is in none. */
export const words = (most: number) =>
  text('a text', (input) => {
    if (input.trim() === '') return bad('it is empty');
    if (input.length > most) return bad(`it is longer than ${most} characters`);
    return /[^\n\P{Cc}]|[\p{Cf}\p{Cs}\u2028\u2029]/u.test(input)
      ? bad('it holds a character that cannot be seen')
      : ok(input);
  });

/** Strict, so that a misspelt `deny` is an error and not silence. */
export const section = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, { error: expected('keys and values') });

/** One item or more. */
export const someOf = <T extends z.ZodType>(item: T, what: string) =>
  z.array(item, { error: expected(`a list of ${what}`) }).min(1, { error: `the list of ${what} is empty` });

export const listOf = <T extends z.ZodType>(item: T, what: string) =>
  z.array(item, { error: expected(`a list of ${what}`) });
