// Which entries a log wants to have.

import { describe, expect, test } from 'vitest';
import { checkSelection, compileSelection } from '../../src/flow/log-selection.ts';
import type { AccessLogEntry } from '../../src/log/access-log-entry.ts';
import type { LogSelection } from '../../src/log/log-options.ts';
import { makeEntry } from '../support/log-entries.ts';

const CONNECT = { method: 'CONNECT', url: 'api.example.com:443' } as const;

describe('a selection', () => {
  test.each<[string, LogSelection, Partial<AccessLogEntry>, boolean]>([
    ['everything', {}, {}, true],
    ['outcomes', { outcomes: ['denied', 'failed'] }, { outcome: 'failed' }, true],
    ['outcomes', { outcomes: ['denied'] }, { outcome: 'forwarded' }, false],
    ['the action', { action: 'deny' }, { action: 'deny' }, true],
    ['the action', { action: 'deny' }, {}, false],
    ['rules', { rules: ['api', 'default'] }, { rule: 'default' }, true],
    ['rules', { rules: ['api'] }, {}, false],
    ['clients', { clients: ['10.20.0.0/16'] }, {}, true],
    ['clients', { clients: ['10.21.0.0/16', '2001:db8::/32'] }, {}, false],
    ['clients', { clients: ['2001:db8::/32'] }, { client: '2001:db8::7' }, true],
    ['hosts', { hosts: ['.example.com'] }, {}, true],
    ['hosts', { hosts: ['example.com'] }, {}, false],
    ['hosts of a CONNECT', { hosts: ['*.example.com'] }, CONNECT, true],
    ['hosts that are addresses', { hosts: ['192.0.2.1'] }, { url: 'http://192.0.2.1:8080/x' }, true],
    ['hosts, of what was no request', { hosts: ['*'] }, { url: 'error:invalid-request' }, false],
    ['users', { users: ['alice'] }, { user: 'alice' }, true],
    ['methods', { methods: ['POST'] }, {}, false],
    ['statuses', { statuses: [200] }, {}, true],
    ['statuses', { statuses: ['400-499', 0] }, { status: 0 }, true],
    ['statuses', { statuses: ['400-499'] }, { status: 500 }, false],
    ['all of it', { methods: ['GET'], statuses: [200], hosts: ['.example.com'] }, {}, true],
    ['all of it, but for one', { methods: ['GET'], statuses: [404], hosts: ['.example.com'] }, {}, false],
  ])('by %s', (_, selection, facts, wanted) => {
    expect(compileSelection(selection)(makeEntry(facts))).toBe(wanted);
  });

  test.each<[LogSelection, readonly (string | number)[], string]>([
    [{ clients: ['10.0.0.1', '10.0.0'] }, ['clients', 1], '"10.0.0"'],
    [{ hosts: ['a b'] }, ['hosts', 0], '"a b"'],
    [{ statuses: ['2xx'] }, ['statuses', 0], '"2xx" is no status'],
    [{ statuses: ['500-400'] }, ['statuses', 0], '"500-400" is no status'],
  ])('with a mistake tells where: %j', (selection, path, message) => {
    expect(checkSelection(selection)).toMatchObject([{ path, message: expect.stringContaining(message) }]);
    expect(() => compileSelection(selection)).toThrow(message);
  });
});
