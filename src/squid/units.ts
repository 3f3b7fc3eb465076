// Times and sizes as squid.conf has them, `2 minutes` and `4 MB`: a number and a word of its own. Called wherever a
// directive takes one.

const SECONDS: ReadonlyMap<string, number> = new Map([
  ['millisecond', 0.001],
  ['second', 1],
  ['minute', 60],
  ['hour', 3_600],
  ['day', 86_400],
  ['week', 604_800],
  ['fortnight', 1_209_600],
  ['month', 2_592_000],
  ['year', 31_557_600],
  ['decade', 315_576_000],
]);

/** One week, the longest wait that a config of ours can name. */
const LONGEST = 604_800_000;

/** Milliseconds of `1 minute`, `30 seconds` or a bare number of seconds; undefined when it is none. */
export function parseTime([amount = '', unit = 'second']: readonly string[]): number | undefined {
  const glued = /^(\d+(?:\.\d+)?)([a-z]+)$/i.exec(amount);
  const number = glued ? glued[1] : amount;
  const word = (glued ? glued[2] : unit)?.toLowerCase().replace(/s$/, '') ?? '';
  const seconds = SECONDS.get(word === 'm' ? 'minute' : word);
  if (number === undefined || !/^\d+(?:\.\d+)?$/.test(number) || seconds === undefined) return undefined;
  return Math.round(Number(number) * seconds * 1_000);
}

/** As our config spells it: the largest unit that is exact; at most a week, at least a millisecond. */
export function duration(milliseconds: number): string {
  const bounded = Math.min(Math.max(Math.round(milliseconds), 1), LONGEST);
  if (bounded % 3_600_000 === 0) return `${bounded / 3_600_000}h`;
  if (bounded % 60_000 === 0) return `${bounded / 60_000}m`;
  return bounded % 1_000 === 0 ? `${bounded / 1_000}s` : `${bounded}ms`;
}

const BYTES: ReadonlyMap<string, number> = new Map([
  ['byte', 1],
  ['b', 1],
  ['kb', 1_024],
  ['mb', 1_048_576],
  ['gb', 1_073_741_824],
]);

/** Bytes of `4 MB`, `4MB` or a bare number; undefined when it is none. */
export function parseSize([amount = '', unit = 'bytes']: readonly string[]): number | undefined {
  const glued = /^(\d+)([a-z]+)$/i.exec(amount);
  const number = glued ? glued[1] : amount;
  const size = BYTES.get((glued ? glued[2] : unit)?.toLowerCase().replace(/s$/, '') ?? '');
  if (number === undefined || !/^\d+$/.test(number) || size === undefined) return undefined;
  return Number(number) * size;
}
