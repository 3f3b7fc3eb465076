// The connections to origins that speak HTTP/2, shared by authority: each carries the exchanges of all clients. Kept by
// origin-pools.ts, which dials and verifies them.

import type { H2Lane } from './h2-lane.ts';

export class H2Pool {
  readonly #lanes = new Map<string, H2Lane[]>();

  /** One with room for another exchange; the oldest, so that further ones fall idle again. */
  find(origin: string): H2Lane | undefined {
    return this.#lanes.get(origin)?.find((lane) => lane.hasRoom);
  }

  /** Likewise, for a WebSocket. */
  findExtended(origin: string): H2Lane | undefined {
    return this.#lanes.get(origin)?.find((lane) => lane.hasRoom && lane.extended);
  }

  add(lane: H2Lane): void {
    const lanes = this.#lanes.get(lane.origin) ?? [];
    this.#lanes.set(lane.origin, lanes);
    lanes.push(lane);
  }

  forget(lane: H2Lane): void {
    const lanes = this.#lanes.get(lane.origin)?.filter((other) => other !== lane) ?? [];
    if (lanes.length > 0) this.#lanes.set(lane.origin, lanes);
    else this.#lanes.delete(lane.origin);
  }

  get size(): number {
    let size = 0;
    for (const lanes of this.#lanes.values()) size += lanes.length;
    return size;
  }

  destroy(): void {
    for (const lanes of [...this.#lanes.values()]) for (const lane of [...lanes]) lane.destroy();
  }
}
