// `sallyport test URL`: prints what the proxy would do with a request, the rule behind each step, and the log lines.

import { shownPlace } from '../core/place.ts';
import { formatTarget, parseAbsoluteTarget } from '../core/target.ts';
import { loadConfig } from '../squid/load.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { type PredictedStep, type Prediction, predict } from './predict.ts';
import { columns, type Terminal } from './terminal.ts';

export interface TestOptions {
  readonly config: string;
  readonly client: string;
  readonly method: string;
  readonly user?: string;
  readonly json?: boolean;
}

/** Exit code `denied` when the request would not get through. */
export async function testUrl(terminal: Terminal, text: string, options: TestOptions): Promise<ExitCode> {
  const target = parseAbsoluteTarget(text);
  if (!target.ok) {
    const likely = `https://${text}`;
    const isMissingScheme = !text.includes('://') && parseAbsoluteTarget(likely).ok;
    terminal.err(`error: ${text}: ${target.reason}${isMissingScheme ? ` (did you mean ${likely} ?)` : ''}\n`);
    return EXIT.usage;
  }
  const { client, method, user, config: file, json } = options;
  const config = await loadConfig(file);
  const prediction = await predict(config, {
    target: target.value,
    client,
    method,
    ...(user === undefined ? {} : { user }),
  });
  const { allowed, wouldDeny, decided, steps, mends, log } = prediction;
  const url = formatTarget(target.value);
  const { mode } = config.policy;
  const { rule, at, reason } = decided;
  terminal.out(
    json
      ? `${JSON.stringify({ url, method, client, user, config: file, mode, allowed, wouldDeny, rule, at, reason, steps, mends, log })}\n`
      : `${method} ${url} from ${client}${user === undefined ? '' : ` as ${user}`}, by ${file}\n\n${printed(terminal, prediction)}`,
  );
  return allowed ? EXIT.ok : EXIT.denied;
}

function printed(terminal: Terminal, prediction: Prediction): string {
  const { steps, mends, log } = prediction;
  const rows = steps.map((step) => [`  ${step.step}`, verdictOf(step), ruleOf(step), step.reason]);
  const lines = log.map((line) => `    ${line}\n`).join('');
  const changes = mends.map(({ where, line }) => `\n  To allow it, put this ${where}:\n    ${line}\n`).join('');
  return `${columns(rows)}\n  ${conclusion(terminal, prediction)}\n${changes}\n  ${HEADING}:\n${lines}`;
}

const HEADING = 'In the access log, after time and duration, with N for a size, if the origin answers 200';

function ruleOf({ rule = '-', at }: PredictedStep): string {
  return at ? `${rule} (${shownPlace(at)})` : rule;
}

function verdictOf({ action, tls, refuseBy, wouldDeny }: PredictedStep): string {
  const how = action === 'deny' && refuseBy ? REFUSED[refuseBy] : tls;
  return [wouldDeny ? `${action} (enforced: deny)` : action, how].filter(Boolean).join(', ');
}

const REFUSED = {
  connect: 'by a 403',
  page: 'by a page inside the tunnel',
  close: 'by closing',
  authenticate: 'by a 407',
} as const;

function conclusion({ style }: Terminal, { allowed, wouldDeny, decided, steps }: Prediction): string {
  if (!allowed) return `${style('red', decided.tls === 'terminate' ? 'terminated' : 'denied')}: ${decided.reason}`;
  const verdict = wouldDeny ? style('yellow', 'allowed in report mode only') : style('green', 'allowed');
  const unresolved = steps.some(({ action }) => action === 'unknown') ? ', but the name does not resolve here' : '';
  return `${verdict}${unresolved}: ${decided.reason}`;
}
