// The client process as the bench sees it.

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, Job, Pace, Plan, Tally } from './client/job.ts';
import type { Processes } from './processes.ts';

export class ClientProcess {
  readonly #child: ChildProcess;

  constructor(processes: Processes) {
    this.#child = processes.fork(join(import.meta.dirname, 'client', 'main.ts'));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the client has not started');
    return this.#child.pid;
  }

  /** Opens what the plan needs; fails when its first operation does. */
  async prepare(plan: Plan): Promise<void> {
    await this.#ask({ prepare: plan });
  }

  async run(pace: Pace): Promise<Tally> {
    const done = await this.#ask({ run: pace });
    if (done === true) throw new Error('the client answered another question');
    return done;
  }

  /** Closes what `prepare` opened. */
  async finish(): Promise<void> {
    await this.#ask('finish');
  }

  #ask(job: Job): Promise<Tally | true> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the client ended with ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (answer: Answer) => {
        this.#child.off('exit', onExit);
        if ('failed' in answer) reject(new Error(answer.failed));
        else resolve(answer.done);
      });
      this.#child.send(job);
    });
  }
}
