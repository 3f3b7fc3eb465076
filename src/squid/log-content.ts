// What Squid is told to write beside the usual line: queries, header fields, logs of one field each. settings.ts has these
// directives among its own.

import type { LogFormatName } from '../log/log-format.ts';
import type { Directive } from './read-conf.ts';
import { type Desk, type Family, isOn, texts } from './translator.ts';

const each =
  (tell: (line: Directive, notes: Desk['notes']) => void): Family =>
  (lines, { notes }) => {
    for (const line of lines) tell(line, notes);
  };

/** A log that Squid up to 3.1 wrote on its own, and for which a format has stood since. */
const inFormat = (format: LogFormatName): Family =>
  each((line, notes) => {
    const [place = 'none'] = texts(line);
    if (place === 'none') notes.tell(line, 'not-needed', 'there is no such log', '');
    else {
      const why = `this log is not written; "${format}" is a format of any access log, here as in Squid since 3.2`;
      const todo = `write in its place: access_log ${place} ${format}; and a line for the usual log where there is none`;
      notes.tell(line, 'lost', why, todo);
    }
  });

export const LOG_CONTENT: Readonly<Record<string, Family>> = {
  strip_query_terms: each((line, notes) => {
    if (isOn(line)) {
      const why = 'the query of a URL is cut after its question mark, but for "%>ru" in a format of your own';
      notes.tell(line, 'not-needed', why, '');
    } else {
      const why =
        'the query of a URL is cut after its question mark all the same, but for "%>ru" in a format of your own';
      const todo =
        'write a logformat with "%>ru" in place of "%ru", and name it in access_log; what looks like a secret is "***" there';
      notes.tell(line, 'lost', why, todo);
    }
  }),
  log_mime_hdrs: each((line, notes) => {
    if (isOn(line)) {
      const why = 'header fields are not added to the lines; a format of your own can have them, all or by name';
      const todo =
        'write a logformat that ends in "[%[>h] [%[<h]", and name it in access_log; what lets anybody in is "***" there';
      notes.tell(line, 'lost', why, todo);
    } else notes.tell(line, 'not-needed', 'a line has the header fields that its format names, and no others', '');
  }),
  referer_log: inFormat('referrer'),
  referrer_log: inFormat('referrer'),
  useragent_log: inFormat('useragent'),
};
