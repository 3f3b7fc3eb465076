// A star inside one label of a host or one segment of a path, compiled by micromatch at load; host-pattern.ts and
// path-glob.ts call it. The text to match never holds the separator, so a star cannot cross it.

import micromatch from 'micromatch';
import { type Checked, sound, unsound } from './problem.ts';

/** Tells whether one label or segment matches, in time linear in its length. */
export type SegmentTest = (segment: string) => boolean;

const MAX_STARS = 2;
/** With all of its grammar off, micromatch knows one sign: the star. What could still be grammar is escaped. */
const OPTIONS = { dot: true, noextglob: true, nobrace: true, nonegate: true };
const GRAMMAR = /[^A-Za-z0-9_~%*-]/g;

/**
 * A star matches any run of characters, also none; a star alone matches any segment but the empty one.
 *
 * Of two stars only the first ever has to search: with the text after the second one compared at the end of the
 * segment, the second takes whatever is left. A third could be made to search again at every step of another, which
 * costs the square of the length, so it is refused.
 */
export function compileSegment(glob: string): Checked<SegmentTest> {
  if (glob.includes('**')) return unsound(`"**" in "${glob}" is more than a segment: only "/**/" may cross segments`);
  const stars = glob.split('*').length - 1;
  if (stars === 0) return sound((segment) => segment === glob);
  if (stars > MAX_STARS) return unsound(`"${glob}" has ${stars} stars, one segment may have ${MAX_STARS}`);
  if (glob === '*') return sound((segment) => segment !== '');
  const cut = stars === 1 ? glob.length : glob.lastIndexOf('*') + 1;
  const tail = glob.slice(cut);
  // At the begin of a segment micromatch has a mind of its own about dots; behind a letter a star is just a star.
  const lead = glob.startsWith('*') ? 'x' : '';
  const pattern = micromatch.makeRe(lead + glob.slice(0, cut).replace(GRAMMAR, '\\$&'), OPTIONS);
  if (tail === '') return sound((segment) => pattern.test(lead + segment));
  return sound((segment) => segment.endsWith(tail) && pattern.test(lead + segment.slice(0, -tail.length)));
}
