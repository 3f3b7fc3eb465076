// How long the files of a log are kept, and what becomes of a proxy whose log cannot be written: `logfile_rotate`, `rotate=` and
// `on-error=`, and what is other here where they do not stand. Called by logs.ts.

import type { OnFull } from '../log/log-options.ts';
import type { Notes } from './note.ts';
import type { Directive } from './read-conf.ts';

/** As many as a config may say. */
const MOST_KEPT = 1_000;

/** How many old files are left by "-k rotate"; undefined where the text does not say. */
export function keptOf(line: Directive, text: string, notes: Notes): number | undefined {
  if (!/^-?\d+$/.test(text)) {
    notes.tell(line, 'unknown', `"${text}" is no number of old files`, 'write a number, such as 10');
    return undefined;
  }
  const count = Number(text);
  if (count > MOST_KEPT) notes.tell(line, 'differs', `no more than ${MOST_KEPT} old files are kept`, '');
  return Math.min(Math.max(count, 0), MOST_KEPT);
}

/** `text`: what stands behind `on-error=`. */
export function onFullOf(line: Directive, text: string, notes: Notes): OnFull | undefined {
  // Squid looks no further either.
  if (/^drop/i.test(text)) return 'drop';
  if (/^die/i.test(text)) {
    const why =
      'a log that cannot be written ends the proxy with all of its workers; Squid ends a worker, and starts another';
    notes.tell(line, 'differs', why, 'have the service manager start it again');
    return 'exit';
  }
  notes.tell(line, 'unknown', `"on-error=${text}" is neither die nor drop`, 'write one of them');
  return undefined;
}

/** `line`: of the log; undefined for the one that Squid writes where no line names any. */
export function tellUnsaidFailure(line: Directive | undefined, notes: Notes): void {
  notes.tell(
    line ?? nowhere('access_log'),
    'differs',
    'while it cannot be written, requests are served on, and the lines that are lost are counted; the default of Squid is on-error=die',
    'write on-error=die, or set "onFull" of the log: "exit" ends the proxy then, "block" serves nothing without a line',
  );
}

export function tellUnsaidRotation(notes: Notes): void {
  notes.tell(
    nowhere('logfile_rotate'),
    'differs',
    '"rotate" opens the logs anew and renames none, as where logfile_rotate is 0: the default of Debian; that of Squid itself is 10',
    'write logfile_rotate 10, or set "rotate: { keep: 10 }" of the log, unless something else renames it, such as logrotate',
  );
}

const nowhere = (name: string) => ({ file: 'squid.conf', line: 0, name });
