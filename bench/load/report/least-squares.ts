// The straight line through points.

/** How much `y` grows for each one of `x`; the points need at least two different `x`. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (read: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + read(point), 0) / points.length;
  const [middle, level] = [mean(([x]) => x), mean(([, y]) => y)];
  const over = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - level), 0);
  return over / points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0);
}
