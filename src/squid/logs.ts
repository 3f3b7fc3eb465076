// `logformat`, `access_log` and `logfile_rotate`: where the lines go, in which format, and which of them.

import { dirname, join } from 'node:path';
import { compileLayout } from '../log/layout.ts';
import { LOG_FORMATS } from '../log/log-format.ts';
import type { OnFull } from '../log/log-options.ts';
import type { Value } from './draft.ts';
import { choiceOf, choiceValue, EVERY_LINE, type LogChoice, without } from './log-choice.ts';
import { keptOf, onFullOf, tellUnsaidFailure, tellUnsaidRotation } from './log-keeping.ts';
import type { Directive } from './read-conf.ts';
import { type Desk, isOn, optionsOf, texts } from './translator.ts';

/** Where Squid writes when it is not told. */
const USUAL = '/var/log/squid/access.log';

export interface LogLines {
  readonly logs: readonly Directive[];
  readonly formats: readonly Directive[];
  readonly rotations: readonly Directive[];
  /** `emulate_httpd_log`: what a log is in that does not say. */
  readonly emulate: readonly Directive[];
}

export function readLogs({ logs, formats, rotations, emulate }: LogLines, desk: Desk): void {
  const last = emulate.at(-1);
  const usual = last && isOn(last) ? 'common' : 'squid';
  const { draft, notes } = desk;
  const names = readFormats(formats, desk);
  const rotation = rotations.at(-1);
  const keep = rotation && keptOf(rotation, rotation.words[0]?.text ?? '', notes);
  const paths = new Set<string>();
  let taken: readonly (LogChoice | undefined)[] = [];
  for (const line of logs) {
    const { place, terms } = partsOf(line, usual);
    if (place === 'none') {
      if (terms.length === 0) break;
      const choice = choiceOf(terms, desk.acls);
      if (!choice) notes.tell(line, 'differs', 'these requests have their lines all the same', FILTER);
      taken = [...taken, choice];
      continue;
    }
    const log = logOf(line, { names, usual, taken }, desk);
    if (!log) continue;
    if (paths.has(log.path)) {
      notes.tell(line, 'differs', 'a file is one log: what is said of it first holds', 'write to another file');
      continue;
    }
    paths.add(log.path);
    const kept = log.keep ?? keep;
    const rotate = log.path === 'stdout' ? {} : rotateValue(kept);
    if (log.path !== 'stdout' && kept === undefined && !rotation) tellUnsaidRotation(notes);
    draft.add('log', 'access', { path: log.path, ...log.value, ...rotate }, rotation ? [rotation, line] : [line]);
  }
  if (logs.length === 0) {
    paths.add(USUAL);
    draft.add('log', 'access', { path: USUAL, format: usual, ...rotateValue(keep) }, rotation ? [rotation] : []);
    tellUnsaidFailure(undefined, notes);
    if (!rotation) tellUnsaidRotation(notes);
  }
  if (paths.size === 0) draft.set('log', 'access', [], logs);
  // Beside the log, where a proxy that ran as Squid may write; beside the config it may not.
  const folder = dirname([...paths].find((path) => path !== 'stdout') ?? USUAL);
  draft.set('log', 'audit', { path: join(folder, 'sallyport-audit.log') }, []);
  draft.set('tls', 'exceptions', join(folder, 'sallyport-exceptions.json'), []);
}

const FILTER = 'say it with "when" and "unless" of the log, or filter where the log is read';

/** Our name of each format that can be written. */
function readFormats(lines: readonly Directive[], { draft, notes }: Desk): ReadonlyMap<string, string> {
  const names = new Map<string, string>(LOG_FORMATS.filter((one) => one !== 'json').map((name) => [name, name]));
  const layouts = new Map<string, string>();
  for (const line of lines) {
    const [name = ''] = texts(line);
    // The rest of the line as it stands is the format; what is no ASCII is in the bytes of the file.
    const layout = Buffer.from(line.rest.slice(name.length).trim(), 'latin1').toString('utf8');
    const compiled = compileLayout(layout);
    if (!compiled.ok) {
      notes.tell(line, 'lost', `the format cannot be written: ${compiled.reason}`, 'correct it under log.formats');
      continue;
    }
    if (compiled.value.absent.length > 0)
      notes.tell(line, 'differs', `always "-" here: ${compiled.value.absent.join('; ')}`, '');
    const own = ownName(name);
    names.set(name, own);
    layouts.set(own, layout);
  }
  if (layouts.size > 0) draft.set('log', 'formats', Object.fromEntries(layouts), lines);
  return names;
}

/** A name that our formats have not, and that YAML takes for text. */
function ownName(name: string): string {
  const isFree = !LOG_FORMATS.some((one) => one === name);
  const isWord = /^[A-Za-z][\w.-]{0,50}$/.test(name) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(name);
  return isFree && isWord ? name : `own-${name.replace(/[^\w.-]/g, '-').slice(0, 50)}`;
}

function partsOf(line: Directive, usual: string) {
  const [place = '', ...words] = texts(line);
  const options = optionsOf(words.filter((word) => word.includes('=')));
  const plain = words.filter((word) => !word.includes('='));
  const named = options.get('logformat');
  // The old spelling has the format in front of the ACLs, and needs it where there are any.
  const isOld = place !== 'none' && options.size === 0;
  const format = named ?? (isOld ? plain[0] : undefined) ?? usual;
  return { place, format, terms: isOld ? plain.slice(1) : plain, options };
}

interface Log {
  readonly path: string;
  readonly keep: number | undefined;
  readonly value: { readonly [key: string]: Value };
}

interface LogSetting {
  readonly names: ReadonlyMap<string, string>;
  /** The format of a log that does not say. */
  readonly usual: string;
  readonly taken: readonly (LogChoice | undefined)[];
}

function logOf(line: Directive, { names, usual, taken }: LogSetting, { notes, acls, absolute }: Desk): Log | undefined {
  const { place, format, terms, options } = partsOf(line, usual);
  const [, module = 'daemon', rest = ''] = /^([a-z]+):(.*)$/.exec(place) ?? [undefined, 'daemon', place];
  if (!['daemon', 'stdio'].includes(module)) {
    const todo = 'write to a file, or to standard output by "path: stdout"';
    notes.tell(line, 'lost', `a log by "${module}" is not written`, todo);
    return undefined;
  }
  const known = names.get(format);
  if (known === undefined) notes.tell(line, 'lost', `the format "${format}" is written as "squid"`, 'see log.formats');
  let choice = choiceOf(terms, acls);
  if (!choice) notes.tell(line, 'differs', 'every request has its line in this log', FILTER);
  choice ??= EVERY_LINE;
  for (const one of taken) {
    if (!one) continue;
    const rest = without(choice, one);
    if (!rest) notes.tell(line, 'differs', 'what "access_log none" takes out above is in this log', FILTER);
    choice = rest ?? choice;
  }
  const path = /^\/dev\/(?:stdout|fd\/1)$/.test(rest) ? 'stdout' : absolute(rest.replace(/^\/\//, '/'));
  const [onError, rotate] = [options.get('on-error'), options.get('rotate')];
  let onFull: OnFull | undefined;
  if (onError === undefined) tellUnsaidFailure(line, notes);
  else onFull = onFullOf(line, onError, notes);
  const keep = rotate === undefined ? undefined : keptOf(line, rotate, notes);
  return {
    path,
    keep,
    value: { format: known ?? 'squid', ...choiceValue(choice), ...(onFull === undefined ? {} : { onFull }) },
  };
}

const rotateValue = (keep: number | undefined): Log['value'] => (keep === undefined ? {} : { rotate: { keep } });
