// A moment as httpd logs spell it, in local time: `22/Nov/2026:06:47:00 +0000`. Called by the common and combined lines.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (number: number): string => String(number).padStart(2, '0');

/** Squid's `%tl`; `time` in milliseconds since the epoch. */
export function httpdTime(time: number): string {
  const date = new Date(time);
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()] ?? '-'}/${date.getFullYear()}`;
  return `${day}:${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone(date)}`;
}

/** Minutes east of Greenwich as `+hhmm`; JavaScript counts them westwards. */
function zone(date: Date): string {
  const east = -date.getTimezoneOffset();
  const minutes = Math.abs(east);
  return `${east < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
}
