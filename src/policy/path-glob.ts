// The path of a URL pattern, compiled at load; url-pattern.ts calls it. `*` stays within a segment, `**` as a whole
// segment stands for any number of segments, also none: `/x/**` is `/x`, `/x/` and everything below.

import { type Checked, sound, unsound } from './problem.ts';
import { compileSegment, type SegmentTest } from './segment-glob.ts';

/** Takes a path in the normal form of core/target.ts. */
export type PathTest = (path: string) => boolean;

/** Bounds the work per segment of a request: at the worst each is looked at once per segment of the pattern. */
const MAX_SEGMENTS = 32;

/** Compiles a path in normal form; upper and lower case differ, and so do `/x` and `/x/`. */
export function compilePath(glob: string): Checked<PathTest> {
  if (!glob.includes('*')) return sound((path) => path === glob);
  const segments = splitPath(glob);
  if (segments.length > MAX_SEGMENTS) return unsound(`the path "${glob}" has more than ${MAX_SEGMENTS} segments`);
  const runs: SegmentTest[][] = [[]];
  for (const segment of segments) {
    if (segment === '**') {
      runs.push([]);
      continue;
    }
    const test = compileSegment(segment);
    if (!test.ok) return test;
    runs.at(-1)?.push(test.value);
  }
  return sound((path) => matchRuns(runs, splitPath(path)));
}

function splitPath(path: string): string[] {
  return path.slice(1).split('/');
}

/**
 * Runs of segments with any number of others between them. The first run is tied to the begin and the last to the
 * end; for those between, the leftmost place is always the best one, so nothing is ever tried twice.
 */
function matchRuns(runs: readonly (readonly SegmentTest[])[], segments: readonly string[]): boolean {
  const [head = [], ...others] = runs;
  const tail = others.pop();
  if (!tail) return head.length === segments.length && matchAt(head, segments, 0);
  const end = segments.length - tail.length;
  if (head.length > end || !matchAt(head, segments, 0) || !matchAt(tail, segments, end)) return false;
  let position = head.length;
  for (const run of others) {
    while (position + run.length <= end && !matchAt(run, segments, position)) position += 1;
    position += run.length;
    if (position > end) return false;
  }
  return true;
}

function matchAt(run: readonly SegmentTest[], segments: readonly string[], position: number): boolean {
  for (let index = 0; index < run.length; index += 1) {
    if (!run[index]?.(segments[position + index] ?? '')) return false;
  }
  return true;
}
