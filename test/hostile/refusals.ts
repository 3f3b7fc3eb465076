// The README's list of what is refused and why: the rows of the tables that are refused, joined with their reasons.

import { FORBIDDEN_ADDRESSES } from './tables/addresses.ts';
import { HELLOS, INSIDE } from './tables/authority.ts';
import { MALFORMED_REQUESTS } from './tables/malformed-requests.ts';
import { PATHS, PORTS, SPELLINGS } from './tables/names.ts';
import { ORIGIN_CERTIFICATES } from './tables/origin-certificates.ts';
import { REASONS, type Reason } from './tables/reasons.ts';
import { BAD_REPLIES, type Got } from './tables/replies.ts';
import { EXCHANGES } from './tables/requests.ts';

export interface Refusal {
  /** What its reason goes by. */
  readonly kind: string;
  /** In Markdown. */
  readonly name: string;
  readonly answer: string;
}

const TAKEN = { bad: '400', deny: '403', refuse: '400 or 403' } as const;

/** Every row of the tables that is refused; what is only unusual, and passes, is left out. */
export const REFUSALS: readonly Refusal[] = [
  ...MALFORMED_REQUESTS.map(({ id, area, name, expected }) => ({
    kind: `${id} ${area}`,
    name: plain(name),
    answer: String(expected[0]),
  })),
  ...EXCHANGES.flatMap(({ id, name, expected: { statuses, upstream } }) => {
    const [status = 0] = statuses;
    return upstream.length === 0 && status >= 400 ? [{ kind: id, name: plain(name), answer: String(status) }] : [];
  }),
  ...INSIDE.map(({ id, name, expected }) => ({ kind: id, name: plain(name), answer: String(expected) })),
  ...HELLOS.filter(({ expected }) => expected.splice === 'closed').map(({ id, name, expected }) => ({
    kind: id,
    name: plain(expected.bump === 'closed' ? name : `${name} (spliced)`),
    answer: 'closed, the reason in the log',
  })),
  ...SPELLINGS.flatMap(({ id, input, expected }) =>
    expected === 'same' || expected === 'allow'
      ? []
      : [{ kind: `${id} ${expected}`, name: code(input), answer: TAKEN[expected] }],
  ),
  ...PORTS.map(({ id, input, expected }) => ({ kind: id, name: code(input), answer: TAKEN[expected] })),
  ...PATHS.flatMap(({ id, input, expected }) =>
    expected === 'bad' || expected === 'deny' ? [{ kind: id, name: code(input), answer: TAKEN[expected] }] : [],
  ),
  ...FORBIDDEN_ADDRESSES.map(({ id, input, expected }) => ({ kind: id, name: code(input), answer: expected })),
  ...ORIGIN_CERTIFICATES.filter(({ expected }) => expected !== 'accepted').map(({ id, name, expected }) => ({
    kind: id,
    name: plain(name),
    // The finer reasons stand behind the code, in the log.
    answer: `503 \`${expected.startsWith('upstream-') ? expected : 'upstream-certificate'}\``,
  })),
  ...BAD_REPLIES.flatMap(({ id, name, expected }) => {
    const answer = answerOf(expected.got);
    return answer === undefined ? [] : [{ kind: id, name: plain(name), answer }];
  }),
];

/** The table in Markdown: one line for each reason and answer. */
export function refusalTable(refusals = REFUSALS, reasons: readonly Reason[] = REASONS): string {
  const lines = reasons.flatMap(({ of, what, why }) => {
    const ours = refusals.filter(({ kind }) => of.includes(kind));
    return [...Map.groupBy(ours, ({ answer }) => answer)].map(
      ([answer, those]) => `| ${what} | ${joined(those.map(({ name }) => name))} | ${why} | ${answer} |`,
    );
  });
  return ['| in | what is refused | why | the answer |', '|---|---|---|---|', ...lines].join('\n');
}

function answerOf(got: Got): string | undefined {
  if (got === 'cut') return 'the client is cut off';
  if (got === '502 or cut') return '502, or the client is cut off';
  return got >= 400 ? String(got) : undefined;
}

/** Characters of a cell; the tests have the rest. */
const MAX_CELL = 300;

/** The names one after another, `…` for the words that those in a row begin with; as many as fit. */
function joined(names: readonly string[]): string {
  const short = withoutRepeats([...new Set(names)]);
  let size = 0;
  const shown = short.filter((name, at) => {
    size += name.length + 2;
    return size <= MAX_CELL || at === 0;
  });
  return shown.join('; ') + (shown.length < short.length ? `; and ${short.length - shown.length} more` : '');
}

function withoutRepeats(names: readonly string[]): string[] {
  let prefix = '';
  return names.map((name, at) => {
    const before = names[at - 1] ?? '';
    if (prefix === '' || !name.startsWith(prefix)) prefix = sharedWords(before, name);
    return prefix === '' ? name : `… ${name.slice(prefix.length)}`;
  });
}

/** The words, two or more, that both begin with, and the space behind them; an article goes with what follows it. */
function sharedWords(one: string, other: string): string {
  const [words, others] = [one.split(' '), other.split(' ')];
  let count = 0;
  while (count < Math.min(words.length, others.length - 1) && words[count] === others[count]) count += 1;
  while (/^(?:an?|the)$/.test(words[count - 1] ?? '')) count -= 1;
  return count < 2 ? '' : `${words.slice(0, count).join(' ')} `;
}

function plain(text: string): string {
  return text.replace(/[\\`*_|<]/g, '\\$&');
}

/** Bytes as they are sent; what cannot be seen, or only seems to be ASCII, is spelled out. */
function code(text: string): string {
  if (text === '') return 'nothing';
  if (text.length > 40) return `${code(text.slice(0, 10))}… (${text.length} characters)`;
  const seen = text
    .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('|', '\\|');
  return `\`${seen}\``;
}
