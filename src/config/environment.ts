// Variables of the environment within a path of a config, as service managers hand places over: ${CREDENTIALS_DIRECTORY}.
// fields.ts calls it, for paths alone: nothing that decides shall depend on who started the proxy, or from where.

import type { Parsed } from '../core/authority.ts';
import { nearest } from '../core/nearest.ts';

const VARIABLE = /\$\{(?:([A-Z_][A-Z0-9_]*)(?::-([^${}]*))?\})?/g;

/**
 * `${NAME}` is the value of a variable that is set and not empty; `${NAME:-folder}` is `folder` where it is not. Any other
 * use of `${` is refused; a dollar without a brace is a dollar.
 */
export function fillIn(text: string, environment: NodeJS.ProcessEnv = process.env): Parsed<string> {
  let reason: string | undefined;
  const value = text.replace(VARIABLE, (_, name: string | undefined, fallback: string | undefined) => {
    if (name === undefined) {
      reason ??= `a variable is written as \${NAME}, in capitals, or as \${NAME:-what else}`;
      return '';
    }
    const found = environment[name] || fallback;
    if (found === undefined) reason ??= missing(name, environment);
    return found ?? '';
  });
  if (reason === undefined && value === '') reason = 'it is empty';
  return reason === undefined ? { ok: true, value } : { ok: false, reason };
}

function missing(name: string, environment: NodeJS.ProcessEnv): string {
  const near = nearest(
    name,
    Object.keys(environment).filter((other) => other !== name && environment[other]),
  );
  const sentence = `the environment has no ${name}`;
  return near === undefined ? `${sentence}; \${${name}:-folder} would be taken instead` : `${sentence}: is it ${near}?`;
}
