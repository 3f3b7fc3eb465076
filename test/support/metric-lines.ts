// Metrics in Prometheus' text format, as a test reads them.

/** Samples by their name with labels. Throws for a line that is none. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const parsed = /^([A-Za-z_]\w*(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)+\})?) (-?[0-9.e+-]+|[-+]Inf|NaN)$/.exec(line);
    if (!parsed?.[1] || samples.has(parsed[1])) throw new Error(`no sample, or one twice: ${line}`);
    samples.set(parsed[1], Number(parsed[2]));
  }
  return samples;
}
