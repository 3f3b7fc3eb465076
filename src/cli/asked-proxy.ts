// What a proxy that runs says of itself, over its control socket. Asked by status, top and doctor.

import { askAdmin } from '../admin/admin-client.ts';
import type { Status } from '../admin/controls.ts';
import { messageOf } from '../core/errors.ts';
import type { Activity } from '../log/activity.ts';
import { findSocket } from '../squid/find-socket.ts';
import { isSameFile } from './config-in-use.ts';
import { plainly } from './plainly.ts';
import { readSamples, type Samples } from './read-samples.ts';

/** `gone`: no proxy runs with this config. `deaf`: one may run, and cannot be asked. */
export type Answered<T> =
  | { readonly state: 'answered'; readonly value: T }
  | { readonly state: 'gone' | 'deaf'; readonly reason: string };

/** What may be the reason where a proxy does run. */
export const MOVED = 'One that was started with another admin.socket answers there until it is started anew.';

/** Milliseconds; a proxy that is busy answers within some ten. */
const PATIENCE = 5_000;

export class AskedProxy {
  readonly #config: string;
  readonly #socket: string;

  private constructor(config: string, socket: string) {
    this.#config = config;
    this.#socket = socket;
  }

  /** By the config that it runs with, ours or a squid.conf, also one that is broken by now. */
  static async find(config: string): Promise<Answered<AskedProxy>> {
    const socket = await findSocket(config);
    if (socket !== undefined) return { state: 'answered', value: new AskedProxy(config, socket) };
    return { state: 'deaf', reason: `${config} has no control socket (admin.socket: off)` };
  }

  /** `gone` also where another config has the same socket, and it is the proxy of that one that answers. */
  async status(): Promise<Answered<Status>> {
    const told = await this.#ask('/v1/status', (body) => {
      const value: unknown = JSON.parse(body);
      return isStatus(value) ? value : undefined;
    });
    if (told.state !== 'answered' || (await isSameFile(told.value.config, this.#config))) return told;
    return { state: 'gone', reason: `the one at ${this.#socket} runs with ${plainly(told.value.config)}` };
  }

  activity(): Promise<Answered<Activity>> {
    return this.#ask('/v1/activity', (body) => {
      const value: unknown = JSON.parse(body);
      return isActivity(value) ? value : undefined;
    });
  }

  /** What it has counted since its start. */
  samples(): Promise<Answered<Samples>> {
    return this.#ask('/metrics', readSamples);
  }

  /** Never rejects, and never lasts longer than the patience. */
  async #ask<T>(path: string, read: (body: string) => T | undefined): Promise<Answered<T>> {
    try {
      const { status, body } = await askAdmin(this.#socket, 'GET', path, PATIENCE);
      const value = status === 200 ? read(body) : undefined;
      if (value !== undefined) return { state: 'answered', value };
      return { state: 'deaf', reason: `the proxy at ${this.#socket} does not say (${status})` };
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') {
        return { state: 'gone', reason: `nobody answers at ${this.#socket}` };
      }
      const mend = code === 'EACCES' ? ': ask as the user of the proxy, or as root' : '';
      return { state: 'deaf', reason: `${this.#socket}: ${messageOf(thrown)}${mend}` };
    }
  }
}

/** Both ends are this program; of another one nothing is believed. */
function isStatus(value: unknown): value is Status {
  if (!isRecord(value)) return false;
  const { pid, version, config, started, state, generation, addresses, workers, connections, reload, ca } = value;
  const numbers = [pid, generation, workers, connections].every((one) => typeof one === 'number');
  const texts = [version, config, started, state].every((one) => typeof one === 'string');
  const places = Array.isArray(addresses) && addresses.every(isEndpoint);
  const isSigned = isRecord(ca) && typeof ca['sha256'] === 'string' && typeof ca['notAfter'] === 'string';
  const isTold = reload === undefined || (isRecord(reload) && typeof reload['at'] === 'string');
  return numbers && texts && places && isSigned && isTold;
}

function isEndpoint(value: unknown): boolean {
  return isRecord(value) && typeof value['address'] === 'string' && typeof value['port'] === 'number';
}

function isActivity(value: unknown): value is Activity {
  if (!isRecord(value)) return false;
  const lists = ['rates', 'hosts', 'clients', 'rules', 'refusals', 'failures'].map((key) => value[key]);
  const rejections = value['rejections'];
  return (
    lists.every((list) => Array.isArray(list) && list.every(isTopEntry)) &&
    Array.isArray(rejections) &&
    rejections.every(isRejection)
  );
}

function isTopEntry(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { key, rate, bytesRate } = value;
  return typeof key === 'string' && typeof rate === 'number' && typeof bytesRate === 'number';
}

function isRejection(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { time, client, host, alert } = value;
  return Number.isFinite(time) && [client, host, alert].every((one) => typeof one === 'string');
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
