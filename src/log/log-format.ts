// The access log's formats, by name or of the administrator's own. Called by access-log.ts; config/ takes the names from here.

import type { AccessLogEntry, PrintedEntry, PrintedTag } from './access-log-entry.ts';
import { jsonLine } from './json-line.ts';
import { compileLayout, type Layout } from './layout.ts';
import type { Particular } from './particulars.ts';
import { combinedLine, commonLine, squidLine } from './text-line.ts';

/** Written by hand: they print nearly every line that is ever printed. */
const BY_HAND = { squid: squidLine, common: commonLine, combined: combinedLine, json: jsonLine };

const LAYOUTS = {
  referrer: '%ts.%03tu %>a %{Referer}>h %ru',
  useragent: '%>a [%tl] "%{User-Agent}>h"',
};

export type LogFormatName = keyof typeof BY_HAND | keyof typeof LAYOUTS;

export const LOG_FORMATS: readonly LogFormatName[] = ['squid', 'common', 'combined', 'referrer', 'useragent', 'json'];

/** A format of the administrator's own, in Squid's logformat language. */
export interface OwnFormat {
  readonly name: string;
  readonly layout: string;
}

/** How a transaction without a result is spelled: up to Squid 3.5, in 4, and from 5 on. */
export type TagProfile = '3.5' | '4' | '5+';

export const TAG_PROFILES: readonly TagProfile[] = ['3.5', '4', '5+'];

const NONE: Readonly<Record<Exclude<TagProfile, '5+'>, PrintedTag>> = { '3.5': 'TAG_NONE', '4': 'NONE' };

/** An entry in, one line of printable ASCII out, without the newline; with it, it has at most `most` characters, 8 KB else. */
export type Printer = (entry: PrintedEntry, most?: number) => string;

/**
 * The printer of one log, which has at most `most` characters in a line, 8 KB unless told otherwise, and 4 KB at the
 * least. Throws for a format of one's own that is none: `compileLayout` tells why.
 */
export function logFormat(
  format: LogFormatName | OwnFormat,
  most?: number,
  tags: TagProfile = '5+',
): (entry: AccessLogEntry) => string {
  const print = printerOf(format);
  if (tags === '5+') return (entry) => print(entry, most);
  const none = NONE[tags];
  return (entry) => print(entry.tag === 'NONE_NONE' ? { ...entry, tag: none } : entry, most);
}

/** What a format wants beyond what each entry has. */
export function needsOf(format: LogFormatName | OwnFormat): ReadonlySet<Particular> {
  return layoutOf(format)?.needs ?? new Set();
}

/** What all of them want, together. */
export function needsOfAll(logs: readonly { readonly format: LogFormatName | OwnFormat }[]): ReadonlySet<Particular> {
  return new Set(logs.flatMap(({ format }) => [...needsOf(format)]));
}

/** Codes of a format that are always `-` here, each with the reason. */
export function absentIn(format: LogFormatName | OwnFormat): readonly string[] {
  return layoutOf(format)?.absent ?? [];
}

function printerOf(format: LogFormatName | OwnFormat): Printer {
  if (typeof format === 'string' && isByHand(format)) return BY_HAND[format];
  const layout = layoutOf(format);
  if (!layout) throw new Error('there is no such format');
  return layout.printer();
}

function layoutOf(format: LogFormatName | OwnFormat): Layout | undefined {
  if (typeof format === 'string' && isByHand(format)) return undefined;
  const compiled = compileLayout(typeof format === 'string' ? LAYOUTS[format] : format.layout);
  if (!compiled.ok) throw new Error(compiled.reason);
  return compiled.value;
}

const isByHand = (name: LogFormatName): name is keyof typeof BY_HAND => Object.hasOwn(BY_HAND, name);
