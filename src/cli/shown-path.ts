// A path as a person wants to read it, and to paste it. Called by the commands that name files.

import { isAbsolute, relative, sep } from 'node:path';

/** Relative to where the command was typed, when it lies there or below. */
export function shownPath(path: string, cwd = process.cwd()): string {
  const near = relative(cwd, path);
  return near === '' || near === '..' || near.startsWith(`..${sep}`) || isAbsolute(near) ? path : near;
}

/** As one word of a shell command. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
