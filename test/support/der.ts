// Writes DER by hand, well-formed or as crooked as a test wants it.

/** One element: tag, minimal length, content. */
export function der(tag: number, content: Iterable<number>): number[] {
  const bytes = [...content];
  const size = bytes.length;
  if (size < 0x80) return [tag, size, ...bytes];
  const octets = [size >> 16, (size >> 8) & 0xff, size & 0xff];
  while (octets[0] === 0) octets.shift();
  return [tag, 0x80 + octets.length, ...octets, ...bytes];
}
