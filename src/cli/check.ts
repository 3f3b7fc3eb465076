// `sallyport check`: reads the config as a start would, and says what is wrong with it.

import { loadConfig } from '../config/load.ts';
import { asProxyError } from '../core/errors.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

export interface CheckOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function check(terminal: Terminal, { config: file, json }: CheckOptions): Promise<ExitCode> {
  try {
    const { policy } = await loadConfig(file);
    const facts = { file, valid: true, mode: policy.mode, default: policy.default, rules: policy.rules.length };
    const text = `${file} is valid: ${policy.rules.length} rules, default ${policy.default}, ${policy.mode} mode.\n`;
    terminal.out(json ? `${JSON.stringify(facts)}\n` : text);
    return EXIT.ok;
  } catch (thrown) {
    const error = asProxyError(thrown);
    if (!json || error.code !== 'config-invalid') throw error;
    terminal.out(`${JSON.stringify({ file, valid: false, report: error.detail.split('\n').filter(Boolean) })}\n`);
    return EXIT.configInvalid;
  }
}
