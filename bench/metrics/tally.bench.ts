// What it costs to count a transaction, beside the line that it writes anyway.

import { bench, do_not_optimize, run, summary } from 'mitata';
import { logFormat } from '../../src/log/log-format.ts';
import { Tally } from '../../src/metrics/tally.ts';
import { LOGGED_OUTCOMES } from '../../test/support/log-entries.ts';

const entries = LOGGED_OUTCOMES.map(({ entry }) => ({ ...entry, rule: 'packages', action: 'allow' as const }));
const print = logFormat('squid');
const tally = new Tally();
let at = 0;

const next = () => {
  at = at + 1 < entries.length ? at + 1 : 0;
  return entries[at];
};

summary(() => {
  bench('count a transaction', () => {
    const entry = next();
    if (entry) tally.count(entry);
  });
  bench('print its line', () => {
    const entry = next();
    if (entry) do_not_optimize(print(entry));
  });
});

await run();
