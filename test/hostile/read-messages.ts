// A second, small and very strict reader of HTTP/1 messages, so that no parser of ours or of Node's vouches for itself:
// what arrived at an origin or at a client is read with this one.

export interface ReadMessage {
  /** The request or status line. */
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Lines behind the last chunk. */
  readonly trailers: readonly string[];
}

export interface Reading {
  readonly messages: readonly ReadMessage[];
  /** What is left: an incomplete message. */
  readonly rest: string;
  /** Why the rest is no message; undefined when more bytes could complete it. */
  readonly problem: string | undefined;
}

const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const REQUEST_LINE = /^[A-Z-]+ \/[\x21-\x7e]* HTTP\/1\.1$/;
const STATUS_LINE = /^HTTP\/1\.1 [1-5]\d\d [\t\x20-\x7e\x80-\xff]*$/;

/** What an origin got. */
export function readRequests(bytes: string): Reading {
  return readAllOf(bytes, REQUEST_LINE, () => 'none');
}

/** What a client got; `methods` of its requests, in their order. Interim replies are passed over. */
export function readReplies(bytes: string, methods: readonly string[], ended: boolean): Reading {
  let at = 0;
  return readAllOf(bytes, STATUS_LINE, (line) => {
    const status = Number(line.slice(9, 12));
    if (status < 200) return 'interim';
    const method = methods[at] ?? 'GET';
    at += 1;
    if (method === 'HEAD' || status === 204 || status === 304) return 'empty';
    return ended ? 'until the end' : 'none';
  });
}

/** What a message has for a body when its fields do not say; `empty` and `interim` whatever they say. */
type Bodiless = 'none' | 'empty' | 'interim' | 'until the end';

function readAllOf(bytes: string, startLine: RegExp, bodiless: (line: string) => Bodiless): Reading {
  const messages: ReadMessage[] = [];
  let rest = bytes;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return { messages, rest, problem: undefined };
    const [line = '', ...lines] = rest.slice(0, end).split('\r\n');
    if (!startLine.test(line)) return { messages, rest, problem: `start line ${JSON.stringify(line)}` };
    const fields: [string, string][] = [];
    for (const text of lines) {
      const field = FIELD.exec(text);
      if (!field) return { messages, rest, problem: `field ${JSON.stringify(text)}` };
      fields.push([field[1] ?? '', field[2] ?? '']);
    }
    const kind = bodiless(line);
    const body =
      kind === 'empty' || kind === 'interim'
        ? ([[''], rest.slice(end + 4)] as const)
        : readBody(fields, rest.slice(end + 4), kind);
    if (typeof body === 'string') return { messages, rest, problem: body };
    if (body === undefined) return { messages, rest, problem: undefined };
    const [[content, ...trailers], behind] = body;
    if (kind !== 'interim') messages.push({ line, fields, body: content, trailers });
    rest = behind;
  }
  return { messages, rest, problem: undefined };
}

export function valuesIn(message: Pick<ReadMessage, 'fields'>, name: string): string[] {
  return message.fields.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
}

/** Content, and trailers behind it. */
type Body = readonly [content: string, ...trailers: string[]];

/** Body and what follows; undefined: not whole yet; a string: what is wrong. */
function readBody(
  fields: ReadMessage['fields'],
  rest: string,
  kind: Bodiless,
): readonly [Body, string] | string | undefined {
  const lengths = valuesIn({ fields }, 'content-length');
  const encodings = valuesIn({ fields }, 'transfer-encoding');
  if (lengths.length + encodings.length > 1) return 'framed twice';
  if (encodings.length === 1) return encodings[0] === 'chunked' ? readChunks(rest) : `coding ${encodings[0]}`;
  if (lengths.length === 0) return kind === 'until the end' ? [[rest], ''] : [[''], rest];
  if (!/^\d{1,15}$/.test(lengths[0] ?? '')) return `length ${lengths[0]}`;
  const length = Number(lengths[0]);
  return rest.length < length ? undefined : [[rest.slice(0, length)], rest.slice(length)];
}

function readChunks(text: string): readonly [Body, string] | string | undefined {
  let body = '';
  for (let rest = text; ; ) {
    const end = rest.indexOf('\r\n');
    if (end < 0) return undefined;
    const line = rest.slice(0, end);
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) return `chunk size ${JSON.stringify(line)}`;
    const size = Number.parseInt(line, 16);
    const after = end + 2 + size;
    if (size === 0) return readTrailers(body, rest.slice(after));
    if (rest.length < after + 2) return undefined;
    if (rest.slice(after, after + 2) !== '\r\n') return 'chunk without its end';
    body += rest.slice(end + 2, after);
    rest = rest.slice(after + 2);
  }
}

function readTrailers(content: string, text: string): readonly [Body, string] | string | undefined {
  const trailers: string[] = [];
  for (let rest = text; ; ) {
    const end = rest.indexOf('\r\n');
    if (end < 0) return undefined;
    if (end === 0) return [[content, ...trailers], rest.slice(2)];
    const line = rest.slice(0, end);
    if (!FIELD.test(line)) return `trailer ${JSON.stringify(line)}`;
    trailers.push(line);
    rest = rest.slice(end + 2);
  }
}
