// The command line: which words there are, and what each failure means to whoever typed them. Called by src/main.ts.

import { Command, CommanderError, Option } from 'commander';
import { asProxyError } from '../core/errors.ts';
import { caExport, caShow } from './ca.ts';
import { check } from './check.ts';
import { defaultConfig } from './default-config.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { init, PROFILES } from './init.ts';
import { run } from './run.ts';
import { terminal as ours, type Terminal } from './terminal.ts';
import { testUrl } from './test-url.ts';
import { up } from './up.ts';
import { version } from './version.ts';

/** Runs one command to its end. Never rejects: whatever fails is told on stderr and becomes an exit code. */
export async function main(words: readonly string[], terminal: Terminal = ours): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const does =
    <Args extends unknown[]>(command: (terminal: Terminal, ...args: Args) => Promise<ExitCode> | ExitCode) =>
    async (...args: Args): Promise<void> => {
      code = await command(terminal, ...args);
    };
  const program = commands(terminal, does);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = asProxyError(thrown);
    terminal.err(
      `${error.code === 'internal' ? `sallyport: ${error.message}` : (error.detail || error.message).trimEnd()}\n`,
    );
    return error.code === 'config-invalid' ? EXIT.configInvalid : EXIT.failed;
  }
}

type Does = <Args extends unknown[]>(
  command: (terminal: Terminal, ...args: Args) => Promise<ExitCode> | ExitCode,
) => (...args: Args) => Promise<void>;

function commands(terminal: Terminal, does: Does): Command {
  const program = new Command('sallyport')
    .description('A forward proxy that allows by host and URL, decrypts what it may, and logs as Squid does.')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(sallyport --help lists the commands)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid config, 4 denied (test).\n' +
        'First steps: sallyport up, then open the address it prints.',
    );
  const config = () =>
    new Option('-c, --config <file>', 'config file').default(
      defaultConfig(),
      'sallyport.yaml here, else the shipped default',
    );
  const json = () => new Option('--json', 'print JSON, for scripts');

  program
    .command('up')
    .description('make a CA if there is none, start, and print what to type next')
    .addOption(config())
    .action(does(up));
  program.command('run').description('start without the card, as a service does').addOption(config()).action(does(run));
  program
    .command('init')
    .description('write a commented config to start from')
    .argument('[file]', 'where to', 'sallyport.yaml')
    .addOption(new Option('-p, --profile <name>', 'what it does').choices([...PROFILES]).default('audit'))
    .action(does(init));
  program
    .command('check')
    .description('read the config and say what is wrong with it')
    .addOption(config())
    .addOption(json())
    .action(does(check));
  program
    .command('test')
    .description('say what the policy does with a URL, and why; nothing is sent')
    .argument('<url>', 'http:// or https:// URL')
    .addOption(config())
    .option('--client <address>', 'as if it came from this client', '127.0.0.1')
    .option('--method <method>', 'as if with this method', 'GET')
    .addOption(json())
    .action(does(testUrl));
  const ca = program.command('ca').description('the certificate authority that clients must trust').helpCommand(false);
  ca.command('show')
    .description('subject, expiry, fingerprint')
    .addOption(config())
    .addOption(json())
    .action(does(caShow));
  ca.command('export')
    .description('write the certificate, never the key')
    .addOption(new Option('-f, --format <format>', 'file format').choices(['pem', 'der', 'p12']).default('pem'))
    .option('-o, --out <file>', 'where to; standard output without it')
    .addOption(config())
    .action(does(caExport));
  program
    .command('version')
    .description('version of the program and its runtime')
    .addOption(json())
    .action(does(version));
  return program;
}
