import { describe, expect, onTestFinished, test } from 'vitest';
import { EMPTY_LISTING } from '../../src/flow/listing.ts';
import { countsOf, type Measures, totalOf } from '../../src/metrics/measures.ts';
import { Collector, type Measured } from '../../src/supervisor/collector.ts';

const of = (requests: number): Measures => ({
  series: { requests: { request: requests }, connections: { '': 1 } },
  durations: {},
});

/** One that has told of nothing yet, and will tell of `requests` when it is asked. */
function worker(requests: number, more: Partial<Measured> = {}): Measured {
  let last: Measures = { series: {}, durations: {} };
  return {
    isListening: true,
    get lastMeasures() {
      return last;
    },
    measure: async () => {
      last = of(requests);
    },
    list: async () => ({ ...EMPTY_LISTING, names: [{ host: `${requests}.test`, addresses: [], ttl: 1 }] }),
    ...more,
  };
}

function collector(...workers: Measured[]) {
  const all = new Set(workers);
  const made = new Collector(all, 1_024);
  onTestFinished(() => made.end());
  return { made, all };
}

const silent = { measure: () => new Promise<void>(() => undefined), list: () => new Promise<never>(() => undefined) };

describe('what several workers measure', () => {
  test('is asked for and added up, with what this process itself takes', async () => {
    const { made } = collector(worker(3), worker(4));
    const measures = await made.measures();
    expect([totalOf(measures, 'requests'), totalOf(measures, 'connections')]).toEqual([7, 2]);
    expect([totalOf(measures, 'mostDescriptors'), totalOf(measures, 'workerExits')]).toEqual([1_024, 0]);
    expect(totalOf(measures, 'resident')).toBeGreaterThan(1_000_000);
  });

  test('stays when one has ended, but for what it held', async () => {
    const ending = worker(3);
    const { made, all } = collector(ending, worker(4));
    await made.measures();
    all.delete(ending);
    made.keep(ending);
    const measures = await made.measures();
    expect([totalOf(measures, 'requests'), totalOf(measures, 'connections')]).toEqual([7, 1]);
    expect(countsOf(measures, 'workerExits')).toEqual({ '': 1 });
  });

  test('waits for none that is stuck: that one is told of as it was', async () => {
    const stuck = { ...worker(3), ...silent, lastMeasures: of(3) };
    const begin = performance.now();
    const measures = await collector(stuck, worker(4)).made.measures();
    expect(totalOf(measures, 'requests')).toBe(7);
    expect(performance.now() - begin).toBeLessThan(3_000);
  });

  test('asks none that does not serve yet', async () => {
    const { made } = collector(worker(3, { isListening: false, ...silent }), worker(4));
    const begin = performance.now();
    expect(totalOf(await made.measures(), 'requests')).toBe(4);
    expect(performance.now() - begin).toBeLessThan(500);
  });
});

describe('the rows of several workers', () => {
  test('are one list', async () => {
    const { names } = await collector(worker(3), worker(4)).made.list(['names']);
    expect(names.map(({ host }) => host)).toEqual(['3.test', '4.test']);
  });

  test('are those of who answers in time', async () => {
    const { names } = await collector({ ...worker(3), ...silent }, worker(4)).made.list(['names']);
    expect(names.map(({ host }) => host)).toEqual(['4.test']);
  });
});
