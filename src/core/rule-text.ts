// A rule as YAML that can be pasted under `policy.rules` as it stands: what policy/mend.ts and exceptions/wording.ts
// suggest is spelled here, and nowhere else.

/** What a suggested rule says; only keys that a rule of the config may have. */
export interface RuleText {
  readonly name: string;
  readonly clients?: readonly string[] | undefined;
  readonly users?: readonly string[] | undefined;
  /** Never beside `urls`, which name theirs. */
  readonly scheme?: 'http' | 'https' | 'connect' | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly urls?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly ports?: readonly number[] | undefined;
  readonly upgrades?: readonly string[] | undefined;
  readonly action: 'allow';
  readonly tls?: 'bump' | 'splice' | undefined;
}

/** The order in which a person reads them. */
const KEYS = [
  'name',
  'clients',
  'users',
  'scheme',
  'hosts',
  'urls',
  'methods',
  'ports',
  'upgrades',
  'action',
  'tls',
] as const;

export interface SpelledRule {
  /** One line, for a log, a header field or a terminal; printable ASCII whatever is in it. */
  readonly line: string;
  /** A key on each line, for a page. */
  readonly block: string;
}

export function spellRule(rule: RuleText): SpelledRule {
  const pairs = pairsOf(rule);
  return { line: `- { ${pairs.join(', ')} }`, block: `- ${pairs.join('\n  ')}` };
}

/** The longest name that a rule may have. */
const MAX_NAME = 64;

/** A rule name made of text that may be too long. */
export function ruleName(text: string): string {
  return text.slice(0, MAX_NAME).trim();
}

function pairsOf(rule: RuleText): string[] {
  const pairs: string[] = [];
  for (const key of KEYS) {
    const value = rule[key];
    if (value !== undefined) pairs.push(`${key}: ${typeof value === 'string' ? scalar(value) : list(value)}`);
  }
  return pairs;
}

const list = (items: readonly (string | number)[]): string =>
  `[${items.map((item) => (typeof item === 'number' ? String(item) : quoted(item))).join(', ')}]`;

/** Words that are the same in every reading need no quotes. */
const scalar = (text: string): string => (/^(?:allow|bump|splice|https?|connect)$/.test(text) ? text : quoted(text));

/**
 * In single quotes, which a log in JSON and a quoted header field leave as they are; what is not printable ASCII, and could
 * be invisible or turn the line around, stands in double quotes, escaped (YAML 1.2 section 5.7).
 */
function quoted(text: string): string {
  if (!/[^\x20-\x7e]/.test(text)) return text.includes("'") ? `'${text.replaceAll("'", "''")}'` : `'${text}'`;
  const escaped = text.replace(/["\\]|[^\x20-\x7e]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    if (point > 0x1f && point < 0x7f) return `\\${character}`;
    return point > 0xffff ? `\\U${hex(point, 8)}` : `\\u${hex(point, 4)}`;
  });
  return `"${escaped}"`;
}

const hex = (point: number, digits: number): string => point.toString(16).padStart(digits, '0');
