// `sslproxy_cert_error`: origins that Squid let pass though it could not verify them. Those of a list of hosts are passed
// unread, so that the client itself sees what they show. import-squid.ts reads it, access.ts makes the rules.

import { type AclContext, termOf } from './acl-bounds.ts';
import { type Box, tidy } from './box.ts';
import { decide, type Step, TooMany } from './decide.ts';
import { clausesOf, together } from './formula.ts';
import type { Directive } from './read-conf.ts';
import { type Desk, texts } from './translator.ts';

/** Hosts, and nothing else. */
export interface Tolerated {
  readonly box: Box;
  readonly lines: readonly Directive[];
}

/** What the lines allow by their hosts alone. */
export function toleratedHosts(lines: readonly Directive[], outer: AclContext): readonly Tolerated[] {
  const steps = lines.flatMap((line): readonly Step<boolean>[] => {
    const [action, ...terms] = texts(line);
    const outcome = action === 'allow';
    const side = outcome ? 'lower' : 'upper';
    const bounds = together(
      'all',
      terms.map((term) => termOf(term, { ...outer, line })),
    );
    return clausesOf(bounds[side], side).map((clause) => ({ ...clause, outcome, side, line }));
  });
  const out: Tolerated[] = [];
  for (const { box, outcome, lines: own } of verdictsOf(steps)) {
    // What is denied above plays no part below.
    if (!outcome) break;
    const { hosts, ...others } = tidy(box);
    if (hosts && Object.keys(others).length === 0) out.push({ box: { hosts }, lines: own });
  }
  return out;
}

function verdictsOf(steps: readonly Step<boolean>[]) {
  try {
    return decide(steps, false);
  } catch (thrown) {
    if (thrown instanceof TooMany) return [];
    throw thrown;
  }
}

/** `fate`: what has become of those hosts. */
export function tellCertErrors(
  lines: readonly Directive[],
  tolerated: readonly Tolerated[],
  fate: 'unread anyway' | 'passed' | 'refused',
  { notes }: Pick<Desk, 'notes'>,
): void {
  for (const line of lines) {
    const hosts = tolerated.filter((one) => one.lines.includes(line)).flatMap(({ box }) => box.hosts ?? []);
    const list = hosts.map(({ text }) => text).slice(0, 5);
    const todo = `add the root of these origins to upstream.trust, or leave the check to the client: - { name: unverified, hosts: [${list.join(', ') || 'HOST, HOST'}], action: allow, tls: splice }, as the first rule`;
    if (texts(line)[0] !== 'allow')
      notes.tell(line, 'not-needed', 'an origin that cannot be verified is refused, always', '');
    else if (fate === 'unread anyway')
      notes.tell(line, 'not-needed', 'nothing is decrypted: clients verify origins themselves', '');
    else if (list.length === 0) {
      const why =
        'origins that cannot be verified are refused, all of them: it would let any pass for any other; hosts that are listed are passed unread';
      notes.tell(line, 'unsafe', why, todo);
    } else if (fate === 'passed') {
      const why =
        'these hosts are passed unread: the client sees their own certificates, and says whether it takes them';
      notes.tell(line, 'differs', why, 'add their root to upstream.trust to have them decrypted again');
    } else {
      const why =
        'these hosts are refused where they cannot be verified: unread, they would pass by the rules for URLs';
      notes.tell(line, 'unsafe', why, todo);
    }
  }
}
