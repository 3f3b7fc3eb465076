// What we tell the other side of an HTTP/2 connection, and what we take from it at most. Used by h2-conversation.ts toward
// clients and h2-lane.ts toward origins; node:http2 and nghttp2 below it hold both sides to it.

import type { ClientSessionOptions, ServerSessionOptions } from 'node:http2';
import { MAX_HEAD } from '../wire/http-head.ts';
import { MAX_FIELDS } from './admission.ts';

/** Streams of one client connection at once: what RFC 9113 section 6.5.2 asks for at least. */
export const MAX_STREAMS = 100;
/** Above MAX_FIELDS, so that what is too many is said with a page; a cookie may come in many crumbs besides. */
const MAX_PAIRS = 2 * MAX_FIELDS;
/**
 * Bytes of a stream that wait for whoever reads it. With all streams of a client stopped that is 6 MB, and beyond
 * MAX_SESSION_MB further ones are refused.
 */
const CLIENT_WINDOW = 65_535;
/** More for an origin, which is farther away: at 100 ms it gives 2.5 MB a second for each stream. */
export const ORIGIN_WINDOW = 262_144;
/**
 * Bytes under way on all streams of a connection together: at 100 ms 80 MB a second from an origin, 10 from a client. What
 * has come is held by its stream and counts there, so that these bound no memory, and one stream that waits stops no other.
 */
export const ORIGIN_CONNECTION_WINDOW = 8 << 20;
export const CLIENT_CONNECTION_WINDOW = 1 << 20;
const MAX_SESSION_MB = 10;
/** Frames that no peer in its right mind sends, before the connection ends; node:http2 would take a thousand. */
const MAX_INVALID = 50;
/** Streams that were refused because there were too many, likewise. */
const MAX_REJECTED = 100;
/** Streams that a peer may take back at once, and in a second (CVE-2023-44487). */
const RESET_BURST = 200;
const RESETS_PER_SECOND = 33;

// strictSingleValueFields: what comes twice passes twice, as in HTTP/1; node:http2 would throw at many a name.

export const SERVER_OPTIONS: ServerSessionOptions = {
  maxHeaderListPairs: MAX_PAIRS,
  maxSessionInvalidFrames: MAX_INVALID,
  maxSessionRejectedStreams: MAX_REJECTED,
  streamResetBurst: RESET_BURST,
  streamResetRate: RESETS_PER_SECOND,
  maxSessionMemory: MAX_SESSION_MB,
  strictSingleValueFields: false,
  settings: {
    maxConcurrentStreams: MAX_STREAMS,
    initialWindowSize: CLIENT_WINDOW,
    maxHeaderListSize: MAX_HEAD,
  },
};

/** Where clients may open WebSockets (RFC 8441 section 3). */
export const WEBSOCKET_OPTIONS: ServerSessionOptions = {
  ...SERVER_OPTIONS,
  settings: { ...SERVER_OPTIONS.settings, enableConnectProtocol: true },
};

export const CLIENT_OPTIONS: ClientSessionOptions & Pick<ServerSessionOptions, 'strictSingleValueFields'> = {
  maxHeaderListPairs: MAX_PAIRS,
  // Never less than what all streams may hold, or one slow client would end the connection of all.
  maxSessionMemory: (2 * MAX_STREAMS * ORIGIN_WINDOW) / 1_000_000,
  strictSingleValueFields: false,
  settings: { enablePush: false, initialWindowSize: ORIGIN_WINDOW, maxHeaderListSize: MAX_HEAD },
};
