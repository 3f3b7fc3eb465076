// In which form a refusal is told: HTML, text or JSON, as the Accept of the request wants it (RFC 9110 section 12.5.1).
// flow/explain calls it.

export type Form = 'html' | 'text' | 'json';

export const MEDIA_TYPES: Readonly<Record<Form, string>> = {
  html: 'text/html',
  text: 'text/plain',
  json: 'application/json',
};

/** In the order in which a tie is broken: who takes anything is a program, or a person at a terminal. */
const FORMS: readonly Form[] = ['text', 'html', 'json'];
/** More than any client names; what stands behind is not looked at. */
const MOST_RANGES = 64;
const MOST_CHARACTERS = 4_096;

interface Wish {
  readonly q: number;
  /** How closely the range names the form: the closest one counts. */
  readonly closeness: number;
  readonly order: number;
}

/**
 * The form that the client wants most, by the values of its Accept fields; of several that it wants alike, the one that it
 * names most closely, then first. A browser names HTML; curl and most libraries take anything, and get text. What nothing
 * fits is told as text all the same: it is better than a refusal of the refusal. Without the field it is HTML, as Squid
 * sends it, and so is the type in the log. Never throws.
 */
export function preferredForm(values: readonly string[]): Form {
  if (values.length === 0) return 'html';
  const ranges = values.join(',').slice(0, MOST_CHARACTERS).toLowerCase().split(',').slice(0, MOST_RANGES);
  const wishes = new Map<Form, Wish>();
  ranges.forEach((text, order) => {
    const [range = '', ...parameters] = text.split(';').map((part) => part.trim());
    const q = qualityOf(parameters);
    if (q === undefined) return;
    for (const form of FORMS) {
      const closeness = closenessOf(range, form);
      const before = wishes.get(form);
      const isCloser = !before || closeness > before.closeness || (closeness === before.closeness && q > before.q);
      if (closeness > 0 && isCloser) wishes.set(form, { q, closeness, order });
    }
  });
  let best: Form = 'text';
  for (const form of FORMS) if (isPreferred(wishes.get(form), wishes.get(best))) best = form;
  return best;
}

function isPreferred(one: Wish | undefined, other: Wish | undefined): boolean {
  if (!one || one.q === 0) return false;
  if (!other || other.q === 0) return true;
  if (one.q !== other.q) return one.q > other.q;
  return one.closeness !== other.closeness ? one.closeness > other.closeness : one.order < other.order;
}

/** RFC 9110 section 12.4.2; undefined: it is no weight, so the range says nothing. */
function qualityOf(parameters: readonly string[]): number | undefined {
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
  if (weight === undefined) return 1;
  const text = weight.replace(/^q\s*=\s*/, '');
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : undefined;
}

/** 0: another type altogether. */
function closenessOf(range: string, form: Form): number {
  if (range === MEDIA_TYPES[form]) return 3;
  if (form === 'html' && range === 'application/xhtml+xml') return 3;
  // Problem details, and the media types of APIs: whoever takes those reads JSON.
  if (form === 'json' && /^application\/[^/\s]+\+json$/.test(range)) return 3;
  if (range === `${MEDIA_TYPES[form].replace(/\/.*/, '')}/*`) return 2;
  return range === '*/*' || range === '*' ? 1 : 0;
}
