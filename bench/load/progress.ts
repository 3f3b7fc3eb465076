// The line that says how far a run is: rewritten in place on a terminal, a line for each step elsewhere.

export class Progress {
  readonly #steps: number;
  readonly #start = performance.now();
  #done = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  step(workload: string, peer: string, said: string): void {
    this.#done += 1;
    const seconds = (performance.now() - this.#start) / 1000;
    const left = (seconds / this.#done) * (this.#steps - this.#done);
    const count = `${String(this.#done).padStart(String(this.#steps).length)}/${this.#steps}`;
    this.say(`[${clock(seconds)} · ${count} · ${clock(left)} left] ${workload} · ${peer} · ${said}`);
  }

  /** Leaves the last line where it is. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\n');
  }

  say(text: string): void {
    const line = text.replaceAll(/\s+/g, ' ');
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    else process.stderr.write(`${line}\n`);
  }
}

function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
