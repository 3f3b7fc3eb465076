// The section "log" of a config. schema.ts has it in its place; what the formats and selections mean, check-log.ts judges.

import { normalize } from 'node:path';
import * as z from 'zod';
import type { Parsed } from '../core/authority.ts';
import { OUTCOMES } from '../log/access-log-entry.ts';
import { LOG_FORMATS, TAG_PROFILES, type TagProfile } from '../log/log-format.ts';
import { parseByteSize } from './byte-size.ts';
import { choice, duration, expected, integer, listOf, path, section, someOf } from './fields.ts';
import { oneOf, show } from './wording.ts';

const text = z.string({ error: expected('text') });
const yesOrNo = z.boolean({ error: expected('true or false') });

const selection = section({
  outcomes: someOf(choice(OUTCOMES), 'outcomes').exactOptional(),
  action: choice(['allow', 'deny']).exactOptional(),
  rules: someOf(text, 'rule names').exactOptional(),
  clients: someOf(text, 'client addresses and ranges').exactOptional(),
  hosts: someOf(text, 'host patterns').exactOptional(),
  users: someOf(text, 'user names').exactOptional(),
  methods: someOf(text, 'methods').exactOptional(),
  statuses: someOf(
    z.union([z.int(), z.string()], { error: expected('a status such as 404 or a range such as 500-599') }),
    'statuses',
  ).exactOptional(),
});

/** A text, or a number in its place, that `parse` turns into a value. */
const textOrNumber = <T>(what: string, parse: (text: string) => Parsed<T>) =>
  z.union([z.string(), z.number()], { error: expected(what) }).transform((input, context): T => {
    const parsed = parse(String(input));
    if (parsed.ok) return parsed.value;
    context.issues.push({ code: 'custom', input, message: `expected ${what}, got ${show(input)}: ${parsed.reason}` });
    return z.NEVER;
  });

const size = textOrNumber('a size such as 100MB', parseByteSize);

/** Below that a few lines would fill it, beyond no machine has so much to spare for lines. */
const waiting = textOrNumber('a size from 64KB to 1GB', (input): Parsed<number> => {
  const parsed = parseByteSize(input);
  if (!parsed.ok || (parsed.value >= 64 * 1024 && parsed.value <= 1024 ** 3)) return parsed;
  return { ok: false, reason: 'it is what may wait in memory, of all workers together' };
});

/** 4 and 3.5 are numbers to YAML. */
const tags = textOrNumber(oneOf(TAG_PROFILES), (input): Parsed<TagProfile> => {
  const profile = TAG_PROFILES.find((one) => one === input || one === `${input}+`);
  return profile ? { ok: true, value: profile } : { ok: false, reason: 'these are the spellings that Squid has had' };
});

/** As many as Squid keeps. */
const KEPT = 10;

const rotate = section({
  size: size.exactOptional(),
  every: choice(['hour', 'day', 'week']).exactOptional(),
  keep: integer('a number', 0, 1000).default(KEPT),
});

const accessLog = section({
  path: path.default('log/access.log'),
  format: text.default('squid'),
  when: selection.exactOptional(),
  unless: selection.exactOptional(),
  rotate: rotate.exactOptional(),
  onFull: choice(['block', 'drop', 'exit']).exactOptional(),
  waiting: waiting.exactOptional(),
  tags: tags.exactOptional(),
});

const formatName = z.string().superRefine((name, context) => {
  const issue = (message: string): void => context.addIssue({ code: 'custom', message });
  if (!/^[\w.-]{1,64}$/.test(name)) issue('a format has a name of letters, digits, dots and hyphens');
  else if (LOG_FORMATS.some((one) => one === name)) issue(`${name} is a format that is there already`);
});

/** In milliseconds; undefined for none. */
const progress = z
  .union([z.literal(false), z.literal('off'), duration(1)], { error: expected('a duration such as 1m, or off') })
  .transform((value) => (typeof value === 'number' ? value : undefined));

export const logSchema = section({
  formats: z
    .record(formatName, z.string({ error: expected("a format in the words of Squid's logformat") }), {
      error: expected('formats, each with its name'),
    })
    .exactOptional(),
  access: z
    .union([listOf(accessLog, 'access logs'), accessLog], {
      error: expected('an access log or a list of them'),
    })
    .transform((access) => (Array.isArray(access) ? access : [access]))
    .superRefine((logs, context) => {
      const seen = new Set<string>();
      logs.forEach(({ path }, index) => {
        const key = path === 'stdout' ? path : `file ${normalize(path)}`;
        const message = 'another access log has this path';
        if (seen.has(key)) context.addIssue({ code: 'custom', path: [index], message });
        seen.add(key);
      });
    })
    .prefault({}),
  tunnelEvents: section({ open: yesOrNo.default(true), progress: progress.prefault('1m') }).exactOptional(),
  audit: section({ path: path.default('log/audit.log') }).prefault({}),
  service: section({ level: choice(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
}).prefault({});

export type LogInput = z.output<typeof logSchema>;
