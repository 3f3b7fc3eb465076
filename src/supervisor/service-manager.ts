// What systemd is told of this process (sd_notify(3)): that it is ready, reloads, stops, and is alive. Made by cli/run.ts;
// says nothing where nobody has asked to be told.
//
// The socket of the manager takes datagrams, and Node.js has none of that family. So each message is sent by systemd's own
// `systemd-notify`, which also knows sockets without a name in the file system and those of a virtual machine. It is a
// child of the process that the unit is about: the unit needs NotifyAccess=all. node:ffi could do without the child, but is
// an experiment and not in Node.js 24; a message is sent at a start, a reload and a stop, so that a child costs nothing.

import { execFile } from 'node:child_process';
import { messageOf } from '../core/errors.ts';
import type { Endpoint } from '../core/session.ts';
import type { ServiceLog } from '../log/service-log.ts';

type Environment = Record<string, string | undefined>;

const PROGRAM = 'systemd-notify';
/** Milliseconds for one message; the program itself waits 5 s until the manager has read it. */
const LIMIT = 10_000;
/** The shortest pause between two signs of life, in milliseconds. */
const SHORTEST = 100;

export class ServiceManager {
  readonly #service: ServiceLog;
  readonly #environment: Environment;
  /** Milliseconds between two signs of life; undefined: nobody waits for one. */
  readonly #pause: number | undefined;
  /** The message under way, and all before it: they must arrive in their order. */
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #alive: NodeJS.Timeout | undefined;
  #hasFailed = false;

  private constructor(service: ServiceLog, environment: Environment, pause: number | undefined) {
    this.#service = service;
    this.#environment = environment;
    this.#pause = pause;
  }

  /**
   * The one that `environment` tells of, if any. Its variables are taken out: the workers are none of its business, and
   * a message from one of them would be taken for ours.
   */
  static of(service: ServiceLog, environment: Environment = process.env): ServiceManager {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, PATH } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
    const pause = isForUs && NOTIFY_SOCKET ? pauseOf(WATCHDOG_USEC) : undefined;
    return new ServiceManager(service, { NOTIFY_SOCKET, PATH: PATH ?? '/usr/bin:/bin' }, pause);
  }

  /** Serving, from the start or again. `status` is shown to people. None of these rejects, however it ends. */
  ready(status: string): Promise<void> {
    if (this.#pause !== undefined && this.#alive === undefined) {
      this.#alive = setInterval(() => this.#live(), this.#pause).unref();
    }
    return this.#tell(['READY=1', statusLine(status)]);
  }

  /** Reading the config anew; `ready` says that it is done, or that the old one stays. */
  reloading(): Promise<void> {
    // By the clock that tells this from an answer to an earlier request (Type=notify-reload).
    return this.#tell(['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, statusLine('reloading')]);
  }

  /** Nobody is let in any more. */
  stopping(status: string): Promise<void> {
    clearInterval(this.#alive);
    return this.#tell(['STOPPING=1', statusLine(status)]);
  }

  #live(): void {
    // One that waits says as much.
    if (this.#waiting === 0) void this.#tell(['WATCHDOG=1']);
  }

  /** A reload waits for its first message, and so for all before it: no more than a few are ever in line. */
  #tell(lines: readonly string[]): Promise<void> {
    if (!this.#environment['NOTIFY_SOCKET']) return Promise.resolve();
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      const failure = await send(lines, this.#environment);
      this.#waiting -= 1;
      if (failure !== undefined) this.#complain(failure);
    });
    return this.#last;
  }

  /** Once: what failed at the start fails at every sign of life. */
  #complain(reason: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#service.warn({ reason }, `systemd cannot be told how this service does: is ${PROGRAM} installed?`);
  }
}

/** The status of a proxy that serves. */
export function serving(addresses: readonly Endpoint[]): string {
  return `serving on ${addresses.map(({ address, port }) => `${address} port ${port}`).join(', ')}`;
}

/** Half of the time after which the manager would take us for dead, as sd_watchdog_enabled(3) advises. */
function pauseOf(microseconds: string | undefined): number | undefined {
  if (microseconds === undefined || !/^[1-9]\d{0,12}$/.test(microseconds)) return undefined;
  return Math.max(SHORTEST, Math.floor(Number(microseconds) / 2_000));
}

/** A line break would begin another message. */
const statusLine = (status: string): string => `STATUS=${status.replace(/[\x00-\x1f\x7f]/g, ' ')}`;

/** Resolves with what went wrong, if anything. */
function send(lines: readonly string[], env: Environment): Promise<string | undefined> {
  return new Promise((resolve) => {
    try {
      const child = execFile(
        PROGRAM,
        ['--', ...lines],
        { env, timeout: LIMIT, killSignal: 'SIGKILL' },
        (error, _, said) => resolve(error ? said.trim() || messageOf(error) : undefined),
      );
      child.stdin?.end();
    } catch (error) {
      resolve(messageOf(error));
    }
  });
}
