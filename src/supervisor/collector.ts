// What all workers have measured, those that have ended included, and what goes on in them. Made by crew.ts, for the overview.

import { setTimeout as wait } from 'node:timers/promises';
import { EMPTY_LISTING, joinListings, type Listing, type ListingPart } from '../flow/listing.ts';
import { addMeasures, type Measures, NO_MEASURES, whatStays } from '../metrics/measures.ts';
import { processLoad } from '../metrics/process-load.ts';

/** A worker, as far as it is asked here. */
export interface Measured {
  readonly isListening: boolean;
  readonly lastMeasures: Measures;
  measure(): Promise<void>;
  list(parts: readonly ListingPart[]): Promise<Listing>;
}

/** Milliseconds that a worker has to answer; one that is busy longer is told of as it was. */
const PATIENCE = 1_000;
/** How often they are asked though nobody wants to know: what one that is killed has counted since is lost. */
const EVERY = 5_000;

export class Collector {
  readonly #workers: Iterable<Measured>;
  /** Descriptors that the system grants to this process. */
  readonly #descriptors: number;
  readonly #timer: NodeJS.Timeout;
  #gone: Measures = NO_MEASURES;
  #exits = 0;

  constructor(workers: Iterable<Measured>, descriptors: number) {
    this.#workers = workers;
    this.#descriptors = descriptors;
    this.#timer = setInterval(() => void this.#askAll(), EVERY).unref();
  }

  async measures(): Promise<Measures> {
    await this.#askAll();
    const own: Measures = {
      series: { ...processLoad(this.#descriptors), workerExits: { '': this.#exits } },
      durations: {},
    };
    return [...this.#workers].reduce(
      (sum, { lastMeasures }) => addMeasures(sum, lastMeasures),
      addMeasures(this.#gone, own),
    );
  }

  async list(parts: readonly ListingPart[]): Promise<Listing> {
    if (parts.length === 0) return EMPTY_LISTING;
    const asked = [...this.#listening()].map((worker) => inTime(worker.list(parts), EMPTY_LISTING));
    return joinListings(await Promise.all(asked));
  }

  /** A worker has ended: what it counted stays. */
  keep({ isListening, lastMeasures }: Measured): void {
    if (!isListening) return;
    this.#exits += 1;
    this.#gone = addMeasures(this.#gone, whatStays(lastMeasures));
  }

  end(): void {
    clearInterval(this.#timer);
  }

  *#listening(): Iterable<Measured> {
    for (const worker of this.#workers) if (worker.isListening) yield worker;
  }

  async #askAll(): Promise<void> {
    await Promise.all([...this.#listening()].map((worker) => inTime(worker.measure(), undefined)));
  }
}

async function inTime<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  const late = new AbortController();
  try {
    return await Promise.race([answer, wait(PATIENCE, otherwise, { signal: late.signal, ref: false })]);
  } finally {
    late.abort();
  }
}
