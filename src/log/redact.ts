// Makes the fields of a service log entry plain data without secrets, at any depth. Called by service-log.ts. Pino's own
// redaction knows fixed paths in one spelling; header names come in any case and anywhere.

export const REDACTED = '[redacted]';

const SECRET = /^(?:(?:proxy-)?authorization|(?:set-)?cookie|pass(?:word|phrase))$/i;
/** Deep enough for what we log on purpose; a cycle ends here too. */
const MAX_DEPTH = 5;

export function redact(fields: object): Record<string, unknown> {
  return redactEntries(fields, 0);
}

function redactEntries(value: object, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) out[key] = isSecret(key) ? REDACTED : plain(inner, depth + 1);
  return out;
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (depth > MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return plainList(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map || value instanceof Set) return plainList([...value], depth);
  return redactEntries(value, depth);
}

/** Node's raw headers are a flat list of names and values: what follows a secret name is the secret. */
function plainList(list: readonly unknown[], depth: number): unknown[] {
  return list.map((item, index) => (isSecret(list[index - 1]) ? REDACTED : plain(item, depth + 1)));
}

/** Of an error what helps; its other properties may be whole requests. */
function plainError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth > MAX_DEPTH ? {} : { cause: plain(error.cause, depth + 1) }),
  };
}

const isSecret = (name: unknown): boolean => typeof name === 'string' && SECRET.test(name);
