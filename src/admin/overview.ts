// All there is to see of a proxy, whoever asks: it lives in the process that supervises, or the only one, asks those that
// carry traffic, and prints. Made by proxy.ts or supervisor/; the admin server and the manager port call it.

import { programVersion } from '../core/program-version.ts';
import type { Listing, ListingPart } from '../flow/listing.ts';
import { EVERY, History, type Sample } from '../metrics/history.ts';
import { type Measures, NO_MEASURES } from '../metrics/measures.ts';
import type { Facts } from './facts.ts';
import { managerReport, partsOf } from './manager/manager-report.ts';
import { metricsText } from './prometheus.ts';
import { type Readiness, readinessOf } from './readiness.ts';

export interface OverviewSource {
  /** Of all processes together. Never rejects, and does not take long. */
  measures(): Promise<Measures>;
  list(parts: readonly ListingPart[]): Promise<Listing>;
  workers(): Facts['workers'];
  port(): number;
  ca(): Facts['ca'];
  draining(): boolean;
}

export class Overview {
  readonly #source: OverviewSource;
  readonly #history = new History();
  readonly #started = { time: Date.now(), at: performance.now() };
  readonly #timer: NodeJS.Timeout;
  /** Told by whoever reloads. */
  reload: () => Facts['reload'] = () => undefined;

  constructor(source: OverviewSource) {
    this.#source = source;
    this.#history.add({ ...this.#started, measures: NO_MEASURES });
    this.#timer = setInterval(() => void this.#look(), EVERY).unref();
  }

  /** What Squid's manager says under this name; undefined: there is no such report. */
  async report(name: string): Promise<string | undefined> {
    const parts = partsOf(name);
    if (!parts) return undefined;
    const [now, listing] = await Promise.all([this.#sample(), this.#source.list(parts)]);
    return managerReport(name, { now, history: this.#history, facts: this.#facts(now), listing });
  }

  async metrics(): Promise<string> {
    const now = await this.#sample();
    return metricsText(now.measures, this.#facts(now), now.time);
  }

  async readiness(): Promise<Readiness> {
    const { measures, time } = await this.#sample();
    return readinessOf(this.#known(), measures, time);
  }

  get workers(): Facts['workers'] {
    return this.#source.workers();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    this.#history.add(await this.#sample());
  }

  async #sample(): Promise<Sample> {
    const measures = await this.#source.measures();
    return { time: Date.now(), at: performance.now(), measures };
  }

  #known(): Omit<Facts, 'ready'> {
    return {
      version: programVersion(),
      pid: process.pid,
      started: this.#started.time,
      uptime: performance.now() - this.#started.at,
      workers: this.#source.workers(),
      port: this.#source.port(),
      ca: this.#source.ca(),
      draining: this.#source.draining(),
      reload: this.reload(),
    };
  }

  #facts({ measures, time }: Sample): Facts {
    const known = this.#known();
    return { ...known, ready: readinessOf(known, measures, time).ready };
  }
}
