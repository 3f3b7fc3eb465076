// gRPC for whole-connection tests: one service with all four kinds of call, on strings, clients of it that come through a
// proxy, and one call of any kind.

import {
  type CallOptions,
  Client,
  type ClientOptions,
  credentials,
  type ServiceDefinition,
  type StatusObject,
} from '@grpc/grpc-js';
import { vi } from 'vitest';
import type { Rig } from './rig.ts';

const bytes = (value: string): Buffer => Buffer.from(value);
const text = (value: Buffer): string => value.toString();

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: text,
    responseSerialize: bytes,
    responseDeserialize: text,
  };
}

export const ECHO = {
  one: method('One', false, false),
  many: method('Many', false, true),
  collect: method('Collect', true, false),
  talk: method('Talk', true, true),
} satisfies ServiceDefinition;

export type Kind = keyof typeof ECHO;
export const KINDS: readonly Kind[] = ['one', 'many', 'collect', 'talk'];

/** With a channel of its own, and so a tunnel. `target`: host and port of the server. */
export function grpcThrough(rig: Pick<Rig, 'port' | 'ca'>, target: string): Client {
  const options: ClientOptions = { 'grpc.use_local_subchannel_pool': 1 };
  // It is read when the channel is made.
  vi.stubEnv('grpc_proxy', `http://127.0.0.1:${rig.port}`);
  const client = new Client(target, credentials.createSsl(Buffer.from(rig.ca)), options);
  vi.unstubAllEnvs();
  return client;
}

export interface Ended extends Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  readonly items: readonly string[];
}

interface Ask {
  readonly client: Client;
  readonly item: string;
  readonly options: CallOptions;
  /** Whether the client's side ends behind the item. */
  readonly ends: boolean;
  onItem(value: unknown): void;
  onEnd(by: StatusObject): void;
}

const wayTo = (kind: Kind) => [ECHO[kind].path, ECHO[kind].requestSerialize, ECHO[kind].responseDeserialize] as const;

const ASK: Readonly<Record<Kind, (ask: Ask) => void>> = {
  one: ({ client, item, options, onItem, onEnd }) => {
    client.makeUnaryRequest(...wayTo('one'), item, options, (_error, value) => onItem(value)).on('status', onEnd);
  },
  many: ({ client, item, options, onItem, onEnd }) => {
    const call = client.makeServerStreamRequest(...wayTo('many'), item, options);
    call.on('data', onItem).on('error', () => undefined);
    call.on('status', onEnd);
  },
  collect: ({ client, item, options, ends, onItem, onEnd }) => {
    const call = client.makeClientStreamRequest(...wayTo('collect'), options, (_error, value) => onItem(value));
    call.on('status', onEnd);
    call.write(item);
    if (ends) call.end();
  },
  talk: ({ client, item, options, ends, onItem, onEnd }) => {
    const call = client.makeBidiStreamRequest(...wayTo('talk'), options);
    call.on('data', onItem).on('error', () => undefined);
    call.on('status', onEnd);
    call.write(item);
    if (ends) call.end();
  },
};

/** One call with one item; it leaves the client's side open where there is a deadline to wait for. */
export function call(client: Client, kind: Kind, item: string, options: CallOptions = {}): Promise<Ended> {
  const items: string[] = [];
  const onItem = (value: unknown): void => {
    if (value !== undefined) items.push(String(value));
  };
  return new Promise((resolve) => {
    // Behind the items.
    const onEnd = (by: StatusObject): void => void setImmediate(() => resolve({ ...by, items }));
    ASK[kind]({ client, item, options, ends: options.deadline === undefined, onItem, onEnd });
  });
}
