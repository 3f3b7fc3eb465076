// A client that asks for ever new names, in a process of its own, so that its work is not in the way of the clients that
// are measured. Started by startNameFlood; the other half of this file is that process.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { extension, hello, hostNames } from '../support/client-hello.ts';
import { NODE } from '../support/run.ts';

export interface FloodSetting {
  readonly port: number;
  /** Where it comes from. */
  readonly localAddress: string;
  readonly perSecond: number;
}

export interface NameFlood {
  /** Ends it; resolves with how many names it has asked for. */
  stop(): Promise<number>;
}

/** Milliseconds between two bursts. */
const BEAT = 10;
/** Milliseconds after which one that is not answered gives up. */
const PATIENCE = 8_000;

export function startNameFlood(setting: FloodSetting): NameFlood {
  const child: ChildProcess = fork(import.meta.filename, [], { execPath: NODE, execArgv: [], stdio: 'inherit' });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.send(setting);
  return {
    stop: async () => {
      child.send('stop');
      const [asked]: number[] = await once(child, 'message');
      process.off('exit', kill);
      kill();
      return asked ?? 0;
    },
  };
}

/** CONNECT and a hello for that name, then whatever comes, to its end. */
function askFor({ port, localAddress }: FloodSetting, name: string): void {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  const timer = setTimeout(() => socket.destroy(), PATIENCE);
  socket.on('error', () => undefined);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.write(`CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}:443\r\n\r\n`);
  socket.write(hello({ extensions: [extension(0, hostNames(name)), extension(10, [0, 2, 0, 23])] }));
}

if (process.argv[1] === import.meta.filename) {
  let asked = 0;
  let beat: NodeJS.Timeout | undefined;
  process.on('message', (message: FloodSetting | 'stop') => {
    if (message === 'stop') {
      clearInterval(beat);
      process.send?.(asked);
      return;
    }
    const perBeat = Math.ceil((message.perSecond * BEAT) / 1_000);
    beat = setInterval(() => {
      for (let i = 0; i < perBeat; i++) askFor(message, `host-${asked++}.test`);
    }, BEAT);
  });
}
