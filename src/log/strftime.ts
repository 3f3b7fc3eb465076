// Prints a moment by a strftime format, as the time codes of a Squid logformat take it. Called by layout-codes.ts.

/** The parts of a moment, in local time or in UTC. */
interface Clock {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  /** From 0, which is Sunday. */
  readonly weekday: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  /** Minutes east of Greenwich. */
  readonly east: number;
  readonly zone: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October'];
const ALL_MONTHS = [...MONTHS, 'November', 'December'];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const DAY = 86_400_000;

const two = (number: number, fill = '0'): string => String(number).padStart(2, fill);
const twelve = (hours: number): number => hours % 12 || 12;
const yearDay = ({ year, month, day }: Clock): number => (Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / DAY + 1;
/** Weeks that have begun since the year has; `first` is their first day. */
const week = (clock: Clock, first: 0 | 1): number =>
  Math.floor((yearDay(clock) - 1 + 7 - ((clock.weekday - first + 7) % 7)) / 7);

/** ISO 8601: the week that the Thursday next to the day is in. */
function isoWeek({ year, month, day, weekday }: Clock): { readonly year: number; readonly week: number } {
  const thursday = new Date(Date.UTC(year, month, day) + (4 - (weekday || 7)) * DAY);
  const begin = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return { year: thursday.getUTCFullYear(), week: Math.floor((thursday.getTime() - begin) / DAY / 7) + 1 };
}

function offset({ east }: Clock): string {
  const minutes = Math.abs(east);
  return `${east < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
}

const CONVERSIONS: Readonly<Record<string, (clock: Clock) => string>> = {
  '%': () => '%',
  A: ({ weekday }) => DAYS[weekday] ?? '',
  a: ({ weekday }) => (DAYS[weekday] ?? '').slice(0, 3),
  B: ({ month }) => ALL_MONTHS[month] ?? '',
  b: ({ month }) => (ALL_MONTHS[month] ?? '').slice(0, 3),
  C: ({ year }) => two(Math.floor(year / 100)),
  c: (clock) => print('%a %b %e %H:%M:%S %Y', clock),
  D: (clock) => print('%m/%d/%y', clock),
  d: ({ day }) => two(day),
  e: ({ day }) => two(day, ' '),
  F: (clock) => print('%Y-%m-%d', clock),
  G: (clock) => String(isoWeek(clock).year),
  g: (clock) => two(isoWeek(clock).year % 100),
  H: ({ hours }) => two(hours),
  h: (clock) => print('%b', clock),
  I: ({ hours }) => two(twelve(hours)),
  j: (clock) => String(yearDay(clock)).padStart(3, '0'),
  k: ({ hours }) => two(hours, ' '),
  l: ({ hours }) => two(twelve(hours), ' '),
  M: ({ minutes }) => two(minutes),
  m: ({ month }) => two(month + 1),
  // A record is one line.
  n: () => ' ',
  P: ({ hours }) => (hours < 12 ? 'am' : 'pm'),
  p: ({ hours }) => (hours < 12 ? 'AM' : 'PM'),
  R: (clock) => print('%H:%M', clock),
  r: (clock) => print('%I:%M:%S %p', clock),
  S: ({ seconds }) => two(seconds),
  s: ({ time }) => String(Math.floor(time / 1000)),
  T: (clock) => print('%H:%M:%S', clock),
  t: () => ' ',
  U: (clock) => two(week(clock, 0)),
  u: ({ weekday }) => String(weekday || 7),
  V: (clock) => two(isoWeek(clock).week),
  W: (clock) => two(week(clock, 1)),
  w: ({ weekday }) => String(weekday),
  X: (clock) => print('%H:%M:%S', clock),
  x: (clock) => print('%m/%d/%y', clock),
  Y: ({ year }) => String(year),
  y: ({ year }) => two(year % 100),
  Z: ({ zone }) => zone,
  z: offset,
};

/** A conversion; `E` and `O` before it are for other alphabets, of which the C locale has none. */
const CONVERSION = /%[EO]?(.)/gs;

/** The conversion in `format` that nobody knows, if there is one. */
export function unknownConversion(format: string): string | undefined {
  for (const [text, letter = ''] of format.matchAll(CONVERSION)) {
    if (!Object.hasOwn(CONVERSIONS, letter)) return text;
  }
  return /(?:^|[^%])(?:%%)*%[EO]?$/.test(format) ? '%' : undefined;
}

/** `time` in milliseconds since the epoch; names of months and days are those of the C locale. */
export function strftime(format: string, time: number, zone: 'local' | 'utc'): string {
  return print(format, zone === 'utc' ? utcClock(time) : localClock(time));
}

function print(format: string, clock: Clock): string {
  return format.replace(CONVERSION, (text, letter: string) => CONVERSIONS[letter]?.(clock) ?? text);
}

function utcClock(time: number): Clock {
  const date = new Date(time);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hours: date.getUTCHours(),
    minutes: date.getUTCMinutes(),
    seconds: date.getUTCSeconds(),
    east: 0,
    zone: 'GMT',
    time,
  };
}

function localClock(time: number): Clock {
  const date = new Date(time);
  const zone = /\(([^)]*)\)|$/.exec(date.toTimeString())?.[1] ?? '';
  return {
    year: date.getFullYear(),
    month: date.getMonth(),
    day: date.getDate(),
    weekday: date.getDay(),
    hours: date.getHours(),
    minutes: date.getMinutes(),
    seconds: date.getSeconds(),
    east: -date.getTimezoneOffset(),
    // `Central European Summer Time` is CEST; UTC is itself.
    zone: zone === 'Coordinated Universal Time' ? 'UTC' : /^[A-Z]+$/.test(zone) ? zone : zone.replace(/[^A-Z]/g, ''),
    time,
  };
}
