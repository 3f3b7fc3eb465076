// Prints a draft as the YAML of a config, with the lines of squid.conf that each setting comes from as comments above it.

import { type Draft, SECTIONS, type Setting, type Value } from './draft.ts';
import type { Directive } from './read-conf.ts';

const WIDTH = 116;
/** A line of squid.conf can hold a thousand hosts. */
const MAX_COMMENT = 100;

/** `head`: comment lines at the top. */
export function yamlText(draft: Draft, head: readonly string[]): string {
  const shown = new Set<Directive>();
  const out = [...head.map((line) => (line === '' ? '#' : `# ${printable(line)}`)), '', 'version: 1'];
  for (const section of SECTIONS) {
    const keys = draft.keys(section);
    if (keys.length === 0) continue;
    out.push('');
    if (keys.includes('')) {
      const own = draft.single(section, '');
      if (own) out.push(...comments(own, '', shown), ...entry(section, own.value, ''));
      else out.push(`${section}:`, ...items(draft.list(section, ''), '  ', shown));
      continue;
    }
    out.push(`${section}:`);
    for (const key of keys) {
      const own = draft.single(section, key);
      if (own) out.push(...comments(own, '  ', shown), ...entry(key, own.value, '  '));
      else out.push(`  ${key}:`, ...items(draft.list(section, key), '    ', shown));
    }
  }
  return `${out.join('\n')}\n`;
}

function items(list: readonly Setting[], indent: string, shown: Set<Directive>): string[] {
  return list.flatMap((one) => [...comments(one, indent, shown), ...item(one.value, indent)]);
}

function item(value: Value, indent: string): string[] {
  const line = `${indent}- ${flow(value)}`;
  if (line.length <= WIDTH || typeof value !== 'object' || isList(value)) return [line];
  const lines = Object.entries(value).flatMap(([key, inner]) => entry(key, inner, `${indent}  `));
  return lines.map((text, at) => (at === 0 ? `${indent}- ${text.trimStart()}` : text));
}

function entry(key: string, value: Value, indent: string): string[] {
  const line = `${indent}${key}: ${flow(value)}`;
  if (line.length <= WIDTH || typeof value !== 'object') return [line];
  if (isList(value)) return [`${indent}${key}:`, ...value.flatMap((one) => item(one, `${indent}  `))];
  return [`${indent}${key}:`, ...Object.entries(value).flatMap(([inner, one]) => entry(inner, one, `${indent}  `))];
}

/** Each line once: an ACL is shown at the first rule that it has a part in. */
function comments({ lines }: Setting, indent: string, shown: Set<Directive>): string[] {
  return lines.flatMap((line) => {
    if (shown.has(line)) return [];
    shown.add(line);
    const { file, line: number, name, rest } = line;
    const text = hidden(`${name} ${rest}`).replace(/\s+/g, ' ');
    const cut = text.length > MAX_COMMENT ? `${text.slice(0, MAX_COMMENT)}…` : text;
    return [`${indent}# ${printable(`${file}:${number}`)}  ${printable(cut)}`];
  });
}

/** The same line again stands below, where it belongs, or in a file that not everybody may read. */
const hidden = (text: string): string => text.replace(/\b(login=[^:\s]*:|password=|cachemgr_passwd\s+)\S+/gi, '$1…');

const printable = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/g, '?');

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

function flow(value: Value): string {
  if (typeof value === 'string') return scalar(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(flow).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

/** Words that are surely text stand as they are; a JSON string is a YAML string too. */
function scalar(text: string): string {
  const isWord = /^[A-Za-z/][\w./-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  const isOff = text === 'off';
  return isWord || isOff || /^\d+(?:\.\d+){3}(?:\/\d+)?$/.test(text) || /^\d+(?:ms|[smh])$/.test(text)
    ? text
    : JSON.stringify(text);
}
