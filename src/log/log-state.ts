// Whether lines get into a log. log-file.ts says so, access-log.ts draws the consequence.

/** `failing`: nothing is written, lines wait; `dropping`: and there is no room for further ones in memory. */
export type LogState = 'well' | 'failing' | 'dropping';
