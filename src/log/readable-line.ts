// A service log entry as a person reads it: `2026-11-22T06:47:00.000Z INFO listening port=3128`. Called by
// service-log.ts when the log goes to a terminal. Takes the JSON line that pino made, so both forms tell the same.

const HIDDEN = ['time', 'level', 'pid', 'msg'];
/** Text that needs no quotes to be read as one value. */
const BARE = /^[^\s"=\\]+$/;

/** One line of ASCII without the newline. A line that is not a JSON object is returned as it is. */
export function readableLine(json: string): string {
  const entry: unknown = JSON.parse(json);
  if (typeof entry !== 'object' || entry === null) return json;
  const facts = new Map<string, unknown>(Object.entries(entry));
  const head = [facts.get('time'), String(facts.get('level')).toUpperCase(), printed(facts.get('msg'))];
  const fields = [...facts].filter(([key]) => !HIDDEN.includes(key)).map(([key, value]) => `${key}=${readable(value)}`);
  return [...head, ...fields].join(' ');
}

function readable(value: unknown): string {
  if (typeof value !== 'string') return printed(JSON.stringify(value));
  return BARE.test(value) ? printed(value) : printed(JSON.stringify(value));
}

/** Control characters as JSON spells them; a terminal obeys them otherwise. Letters of all languages stay. */
function printed(value: unknown): string {
  return String(value ?? '').replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
