// Makes plain data unchangeable down to its leaves. parse-config.ts calls it on the finished Config, which many rooms share.

/** The same value; plain objects and arrays only, without cycles. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
