// Which words there are, what each of them takes, and what --help says. Called by main.ts.

import { Command, Option } from 'commander';
import { alive } from './alive.ts';
import { caExport, caShow, FORMATS } from './ca.ts';
import { check } from './check.ts';
import { commandName } from './command-name.ts';
import { drain, reload, rotate, stop } from './control.ts';
import { defaultConfig, LOCAL_CONFIG } from './default-config.ts';
import { doctor } from './doctor.ts';
import { exceptionsList, exceptionsRevoke } from './exceptions.ts';
import type { ExitCode } from './exit-code.ts';
import { importConfig } from './import.ts';
import { init, PROFILES } from './init.ts';
import { clientAddress, graceTime, requestMethod, userName } from './option-value.ts';
import { run } from './run.ts';
import { SQUID_VERBS } from './squid-words.ts';
import { status } from './status.ts';
import type { Terminal } from './terminal.ts';
import { testUrl } from './test-url.ts';
import { top } from './top.ts';
import { up } from './up.ts';
import { version, versionLine } from './version.ts';
import { worker } from './worker.ts';

/** `done` is told the exit code of the command that was run. Parsing throws CommanderError instead of exiting. */
export function commandLine(terminal: Terminal, done: (code: ExitCode) => void): Command {
  const does =
    <Args extends unknown[]>(command: (terminal: Terminal, ...args: Args) => Promise<ExitCode> | ExitCode) =>
    async (...args: Args): Promise<void> =>
      done(await command(terminal, ...args));
  const name = commandName();
  const program = new Command(name)
    .description('A forward proxy that allows by host and URL, decrypts what it may, and logs as Squid does.')
    .version(versionLine(), '-V, --version', 'print the version')
    .addOption(new Option('-k <verb>', "Squid's own words, with -f FILE").choices(SQUID_VERBS))
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .configureHelp({ subcommandTerm });
  program.addHelpText(
    'after',
    `\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid config, 4 denied (test),\n5 not running.\n\nFirst steps: ${name} up, then type what it prints.`,
  );

  program
    .command('up')
    .summary('start, and print what to type next')
    .description(`Makes a CA if there is none, starts, and prints what to type next.${SIGNALS}`)
    .addOption(takeover())
    .addOption(config())
    .action(does(up));
  program
    .command('run')
    .summary('start without the card, as a service does')
    .description(`Starts without a word on standard output, as a service does.${SIGNALS}`)
    .addOption(takeover())
    .addOption(config())
    .action(does(run));
  program
    .command('init')
    .summary('write a commented config to start from')
    .description('Writes a commented config to start from. An existing file is never overwritten.')
    .argument('[file]', 'where to', LOCAL_CONFIG)
    .addOption(
      new Option(
        '-p, --profile <name>',
        'audit denies nothing and logs what it would; strict denies what is not listed',
      )
        .choices(PROFILES)
        .default('audit'),
    )
    .action(does(init));
  program
    .command('import')
    .summary('make a config of a squid.conf')
    .description(
      'Makes a config of a squid.conf, with each line of it above what has become of it, and says what was not taken over as it was, why, and what to do. "run" takes a squid.conf as it stands.',
    )
    .argument('<squid.conf>', 'the file; what it includes is read too')
    .option('-o, --output <file>', 'where to (default: standard output); never overwritten')
    .option('--service <file>', 'for the service of the package, and where to write the drop-in of its unit')
    .action(does(importConfig));
  program
    .command('check')
    .summary('say what is wrong with a config')
    .description('Reads the config and the files it names as a start would, and says what is wrong. Writes nothing.')
    .addOption(config())
    .addOption(json())
    .action(does(check));
  program
    .command('test')
    .summary('say what becomes of a URL, and why')
    .description('Says what the proxy would do with a URL, by which rule, and what it would log. Sends nothing.')
    .argument('<url>', 'http:// or https:// URL')
    .addOption(config())
    .addOption(
      new Option('--client <address>', 'as if it came from there').argParser(clientAddress).default('127.0.0.1'),
    )
    .addOption(new Option('--user <name>', 'as if this user asked; else nobody says who asks').argParser(userName))
    .addOption(new Option('--method <method>', 'as if with this method').argParser(requestMethod).default('GET'))
    .addOption(json())
    .addHelpText(
      'after',
      `\nExit codes: 0 allowed, 4 denied.\n\nExample: ${name} test https://api.example.com/v2/x --method POST`,
    )
    .action(does(testUrl));
  program
    .command('doctor')
    .summary('say what keeps it, or one host, from working')
    .description(
      'Looks at config, clock, CA, trust, ports, logs and parents; with a host also at what policy says of it, and at the way there: DNS, dial, TLS, chain, client certificate. Works whether the proxy runs or not. Sends no request.',
    )
    .argument('[host]', 'host, host:port or URL')
    .addOption(config())
    .addOption(new Option('--client <address>', 'policy for that client').argParser(clientAddress).default('127.0.0.1'))
    .addOption(new Option('--user <name>', 'policy for this user').argParser(userName))
    .addOption(json())
    .addHelpText('after', '\nExit codes: 0 nothing failed, 1 something did.')
    .action(does(doctor));
  const ca = program
    .command('ca')
    .summary('the certificate authority that clients must trust')
    .description('The certificate authority that clients must trust. Where there is none yet, it is made.')
    .helpCommand(false);
  ca.command('show')
    .summary('print subject, expiry, fingerprint')
    .description('Prints subject, expiry and fingerprint.')
    .addOption(config())
    .addOption(json())
    .action(does(caShow));
  ca.command('export')
    .summary('write the certificate, never the key')
    .description('Writes the certificate, never the key: pem for most, der for Windows, p12 for Java.')
    .addOption(new Option('-f, --format <format>', 'format of the file').choices(FORMATS).default('pem'))
    .option('-o, --out <file>', 'where to (default: standard output)')
    .addOption(config())
    .action(does(caExport));
  const exceptions = program
    .command('exceptions')
    .summary('clients that reject our certificate')
    .description(
      'Clients that reject our certificate: what was seen, and which of their connections pass unread for it (tls.onReject).',
    )
    .helpCommand(false);
  exceptions
    .command('list')
    .summary('print exceptions and rejections')
    .description(
      'Prints which exceptions there are, and which rejections have not led to one, each with the rule to write.',
    )
    .addOption(config())
    .addOption(json())
    .action(does(exceptionsList));
  exceptions
    .command('revoke')
    .summary('end exceptions before their time')
    .description(
      'Ends exceptions: new connections are decrypted again within a second, and none is made for that client and host for 12 hours.',
    )
    .argument('[host]', 'host, or host:port, as the list shows it')
    .addOption(new Option('--client <address>', 'of this client only').argParser(clientAddress))
    .option('--all', 'all there are')
    .addOption(config())
    .action(does(exceptionsRevoke));
  program
    .command('reload')
    .summary('have a running proxy use its config anew')
    .description(
      'Has the proxy that runs with this config read it anew, as SIGHUP does, and says what came of it. Where it is not valid, the one before still holds.',
    )
    .addOption(config())
    .addOption(json())
    .action(does(reload));
  program
    .command('rotate')
    .summary('have it go on in new log files')
    .description('Has the proxy that runs with this config reopen its logs, as SIGUSR1 does, after they were renamed.')
    .addOption(config())
    .addOption(json())
    .action(does(rotate));
  program
    .command('drain')
    .summary('have it end when what is in flight has finished')
    .description('Has the proxy that runs with this config let nobody in any more, and end, as SIGTERM does.')
    .addOption(new Option('--grace <time>', 'for what is in flight, such as 5m').argParser(graceTime))
    .addOption(config())
    .addOption(json())
    .action(does(drain));
  program
    .command('stop')
    .summary('have it end at once')
    .description('Has the proxy that runs with this config end at once; what is in flight is cut.')
    .addOption(config())
    .addOption(json())
    .action(does(stop));
  program
    .command('status')
    .summary('say how a running proxy is')
    .description(
      'Asks the proxy that runs with this config how it is: since when, open connections, last reload, CA, log.',
    )
    .addOption(config())
    .addOption(json())
    .action(does(status));
  program
    .command('top')
    .summary('show what a running proxy is busy with, live')
    .description(
      'Shows what the proxy that runs with this config is busy with, each second anew: rates, the busiest hosts, clients and rules, what is refused. q or Ctrl-C ends it.',
    )
    .option('--once', 'one picture in plain text, as into a pipe')
    .addOption(config())
    .addOption(json())
    .action(does(top));
  program
    .command('version')
    .summary('print the version of the program and its runtime')
    .description('Prints the version of the program and its runtime.')
    .addOption(json())
    .action(does(version));
  program
    .command('alive', { hidden: true })
    .description('Is the config sound, and does a proxy run with it? What "-k check" asks.')
    .addOption(config())
    .action(does(alive));
  program
    .command('worker', { hidden: true })
    .description('One of the processes that run and up start; not for people.')
    .action(does(worker));
  pointToHelp(program, name);
  return program;
}

const SIGNALS =
  '\n\nCtrl-C or SIGTERM stops it once what is in flight has finished, twice at once. SIGUSR1 reopens the logs after a rotation.';

function takeover(): Option {
  return new Option(
    '--takeover',
    'take the place of the proxy that runs with this config, which then ends as by drain',
  );
}

function config(): Option {
  const text = `${LOCAL_CONFIG} here, else $SALLYPORT_CONFIG, else the shipped default`;
  return new Option('-c, --config <file>', 'config file').default(defaultConfig(), text);
}

function json(): Option {
  return new Option('--json', 'print JSON, for scripts');
}

/** `ca show|export`, `test <url>`: every command has options, so that word is left out. */
function subcommandTerm(command: Command): string {
  const inner = command.commands.map((each) => each.name()).join('|');
  const words = command.registeredArguments.map((each) => (each.required ? `<${each.name()}>` : `[${each.name()}]`));
  return [command.name(), inner, ...words].filter(Boolean).join(' ');
}

/** Every usage error ends with the help that fits it. */
function pointToHelp(command: Command, name: string): void {
  command.showHelpAfterError(`(${name} --help says more)`);
  for (const inner of command.commands) pointToHelp(inner, `${name} ${inner.name()}`);
}
