// Whether the formats of the access logs can be read, and what the logs select can be had. parse-config.ts calls it.

import { nearest } from '../core/nearest.ts';
import { checkSelection } from '../flow/log-selection.ts';
import { compileLayout } from '../log/layout.ts';
import { LOG_FORMATS } from '../log/log-format.ts';
import type { AccessLogOptions } from '../log/log-options.ts';
import type { Finding } from './explain-issue.ts';
import type { LogInput } from './log-schema.ts';
import { oneOf, type Path, show } from './wording.ts';

/**
 * `isList`: `access` stands in the file as a list, not as the one log there is. `rules`: the names of all of them; undefined
 * where some cannot be read.
 */
export function checkLog(
  { formats = {}, access }: LogInput,
  isList: boolean,
  rules: readonly string[] | undefined,
): readonly Finding[] {
  const names = [...LOG_FORMATS, ...Object.keys(formats)];
  const findings = Object.entries(formats).flatMap(([name, layout]): readonly Finding[] => {
    const compiled = compileLayout(layout);
    if (compiled.ok) return [];
    return [{ path: ['log', 'formats', name], message: `in this format, ${compiled.reason}`, side: 'value' }];
  });
  for (const [index, one] of access.entries()) {
    const above: Path = ['log', 'access', ...(isList ? [index] : [])];
    if (!names.includes(one.format)) findings.push(unknownFormat([...above, 'format'], one.format, names));
    for (const key of ['when', 'unless'] as const) {
      const selection = one[key];
      if (!selection) continue;
      for (const { path, message, suggestion } of checkSelection(selection)) {
        const finding: Finding = { path: [...above, key, ...path], message, side: 'value' };
        findings.push(suggestion === undefined ? finding : { ...finding, hint: suggestion });
      }
      if (rules) findings.push(...unknownRules(selection.rules ?? [], rules, [...above, key, 'rules']));
    }
    if (one.rotate && one.path === 'stdout') {
      findings.push({ path: [...above, 'rotate'], message: 'standard output cannot be rotated', side: 'key' });
    }
  }
  return findings;
}

/** `layout` where it is one of the administrator's own. */
export function formatOf(name: string, formats: LogInput['formats'] = {}): AccessLogOptions['format'] {
  return LOG_FORMATS.find((one) => one === name) ?? { name, layout: formats[name] ?? '' };
}

function unknownFormat(path: Path, name: string, names: readonly string[]): Finding {
  const meant = nearest(name, names);
  const hint = meant === undefined ? 'formats of your own stand under log.formats' : `did you mean "${meant}"?`;
  return { path, message: `expected ${oneOf(names)}, got ${show(name)}`, hint, side: 'value' };
}

function unknownRules(wanted: readonly string[], rules: readonly string[], path: Path): readonly Finding[] {
  const names = [...rules, ...OWN_RULES];
  return wanted.flatMap((name, index): readonly Finding[] => {
    if (names.includes(name)) return [];
    const meant = nearest(name, names);
    const hint = meant === undefined ? `there are ${oneOf(names)}` : `did you mean "${meant}"?`;
    return [{ path: [...path, index], message: `there is no rule ${show(name)}`, hint, side: 'value' }];
  });
}

/** What decides where no rule does (policy/compile-rules). */
const OWN_RULES = ['default', 'connectPorts', 'httpPorts', 'serverName', 'upgrades'];
