// Figures out of the text that Prometheus reads, as this program writes it. Called by asked-proxy.ts.

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** By the name of the series. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** What is no sample is passed over. */
export function readSamples(text: string): Samples {
  const samples = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const [, name, inside = '', figure = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? +(\S+)/.exec(line) ?? [];
    const value = Number(figure);
    if (name === undefined || figure === '' || Number.isNaN(value)) continue;
    const known = samples.get(name);
    const sample = { labels: readLabels(inside), value };
    if (known) known.push(sample);
    else samples.set(name, [sample]);
  }
  return samples;
}

/** All of a series together; undefined: there is no such series. */
export function sumOf(samples: Samples, name: string): number | undefined {
  return samples.get(name)?.reduce((sum, { value }) => sum + value, 0);
}

function readLabels(inside: string): Record<string, string> {
  const labels = [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(labels.map(([, name = '', value = '']) => [name, value.replace(/\\(.)/g, escaped)]));
}

const escaped = (_: string, character: string): string => (character === 'n' ? '\n' : character);
