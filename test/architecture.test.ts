// Holds the house together: imports go down the staircase only, each runtime package lives in its room, tests mirror src.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE, run } from './support/run.ts';

const ROOT = join(import.meta.dirname, '..');

/** From the top step to the bottom; rooms on one step do not see each other. */
const STAIRCASE: readonly (readonly string[])[] = [
  ['main.ts'],
  ['cli'],
  ['supervisor'],
  ['proxy.ts'],
  ['assemble'],
  ['admin', 'onboarding', 'squid'],
  ['config'],
  ['flow'],
  ['http'],
  ['net'],
  ['metrics'],
  ['wire', 'policy', 'auth', 'pki', 'inspect', 'log', 'exceptions', 'sinks', 'audit'],
  ['core'],
];

/** Runtime package → the one room that may import it. */
const PACKAGES: Readonly<Record<string, string>> = {
  bcryptjs: 'auth',
  commander: 'cli',
  'ipaddr.js': 'policy',
  'lru-cache': 'pki',
  micromatch: 'policy',
  'node-forge': 'pki',
  pino: 'log',
  yaml: 'config',
  zod: 'config',
};

/** Node's modules that only some rooms may touch. */
const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['supervisor'],
  'node:dns': ['net'],
  'node:http': ['admin'],
  'node:https': [],
  'node:http2': ['http'],
  'node:net': ['admin', 'core', 'net', 'policy', 'pki'],
};

const MAX_LINES = 400;

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.split(sep).join('/'))
    .sort();
}

const room = (file: string): string => file.split('/')[0] ?? file;
const step = (name: string): number => STAIRCASE.findIndex((rooms) => rooms.includes(name));
const sources = filesUnder('src');

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const imports: Import[] = sources.flatMap((file) =>
  [
    ...readFileSync(join(ROOT, 'src', file), 'utf8').matchAll(
      /(?:^|\n)\s*(?:import|export)\s([^;]*?)from\s+'([^']+)'|import\('([^']+)'\)/g,
    ),
  ].map((match) => ({
    from: file,
    specifier: match[2] ?? match[3] ?? '',
    typeOnly: (match[1] ?? '').startsWith('type '),
  })),
);

describe('the staircase', () => {
  test('there are sources to look at', () => {
    expect(sources.length).toBeGreaterThan(5);
    expect(imports.length).toBeGreaterThan(5);
  });

  test.each(sources)('%s is in a room that has a step', (file) => {
    expect(step(room(file))).toBeGreaterThanOrEqual(0);
  });

  test('imports go down, or stay in the room', () => {
    const wrong = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ from, specifier }) => ({
        from,
        to: normalize(join(dirname(from), specifier))
          .split(sep)
          .join('/'),
      }))
      .filter(({ from, to }) => room(from) !== room(to) && step(room(to)) <= step(room(from)));
    expect(wrong).toEqual([]);
  });

  test('relative imports name files that exist', () => {
    const missing = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ from, specifier }) =>
        normalize(join(dirname(from), specifier))
          .split(sep)
          .join('/'),
      )
      .filter((file) => !sources.includes(file) && !file.endsWith('package.json'));
    expect(missing).toEqual([]);
  });

  test('each runtime package is imported in its own room only', () => {
    const wrong = imports
      .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .filter(({ from, specifier }) => PACKAGES[specifier] !== room(from));
    expect(wrong).toEqual([]);
  });

  test('sockets, DNS, HTTP and child processes stay in their rooms', () => {
    const wrong = imports.filter(
      ({ from, specifier, typeOnly }) => !typeOnly && NODE_MODULES[specifier]?.includes(room(from)) === false,
    );
    expect(wrong).toEqual([]);
  });

  test('every package that the map names is a dependency, and the other way round', () => {
    const manifest: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    expect(Object.keys(PACKAGES).sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });
});

describe('the files', () => {
  test.each(sources)('%s opens with a header sentence and stays within its size', (file) => {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    expect(text.replace(/^#!.*\n/, '')).toMatch(/^\/\/ \S/);
    expect(text.split('\n').length).toBeLessThanOrEqual(MAX_LINES);
  });
});

describe('what every connection and request passes through', () => {
  // V8 makes a function that is written where it is assigned to a property old at once, and what it holds stays with it
  // until the whole heap is collected: the connection, the request, all they refer to.
  const hot = sources.filter((file) => /^(?:flow|http|net|wire|log)\//.test(file));

  test('V8 keeps a function that is written where it is assigned, and not one of a class field or with a name', async () => {
    const script = `
      const used = () => process.memoryUsage().heapUsed;
      const hold = () => new Array(1_000).fill(0);
      class Field { holds = hold(); act = () => this.holds; }
      const ways = {
        assigned: () => { const it = {}; const held = hold(); it.act = () => held; return it; },
        field: () => new Field(),
        named: () => { const it = {}; const held = hold(); const act = () => held; it.act = act; return it; },
      };
      const left = Object.entries(ways).map(([name, make]) => {
        gc();
        const before = used();
        for (let made = 0; made < 1_000; made++) make();
        for (let round = 0; round < 3; round++) gc({ type: 'minor' });
        return [name, used() - before > 1_000_000];
      });
      console.log(JSON.stringify(Object.fromEntries(left)));
    `;
    // As before anything is optimized, and without a whole collection that would hide it.
    const flags = ['--expose-gc', '--no-opt', '--no-maglev', '--no-sparkplug', '--no-incremental-marking'];
    const { out } = await run(NODE, [...flags, '-e', script]);
    expect(JSON.parse(out.toString())).toEqual({ assigned: true, field: false, named: false });
  });

  test('no function is written where it is assigned to a property', () => {
    expect(hot.length).toBeGreaterThan(30);
    const wrong = hot.filter((file) =>
      /^\s+[\w.#]+\.#?\w+ \??\??= (?:async )?(?:\([^)]*\)(?:: [^=]+)? =>|\w+ =>|function)/m.test(
        readFileSync(join(ROOT, 'src', file), 'utf8'),
      ),
    );
    expect(wrong).toEqual([]);
  });

  // Old tables of a Set or a Map hold on to all who were in them: see core/roster.ts. Texts and numbers hold on to nothing.
  test('who comes and goes is on a roster, not in a Set or a Map that lasts', () => {
    const lasting =
      /^(?: {2}(?:readonly )?#?|(?:export )?(?:const|let) )\w+(?:: [^=]+)? = new (?:Set|Map)<(?!string|number|ErrorCode)/m;
    expect('  readonly #open = new Set<Socket>();\n').toMatch(lasting);
    expect('const open = new Map<Socket, Tunnel>();\n').toMatch(lasting);
    const passed = sources.filter((file) => /^(?:flow|http|net)\/|^proxy\.ts$/.test(file));
    expect(passed).toContain('proxy.ts');
    const wrong = passed.filter((file) => lasting.test(readFileSync(join(ROOT, 'src', file), 'utf8')));
    expect(wrong).toEqual([]);
  });
});

describe('the mirror', () => {
  const tests = filesUnder('test').filter((file) => file.endsWith('.test.ts'));
  const rooms = new Set(sources.map(room));

  /** A file of types alone has nothing to run. */
  const runs = (file: string): boolean =>
    /^export (?:default |async |abstract )*(?:function|class|const|let)\b/m.test(
      readFileSync(join(ROOT, 'src', file), 'utf8'),
    );

  test.each(sources.filter(runs))('src/%s has a test of the same name', (file) => {
    expect(tests).toContain(file.replace(/\.ts$/, '.test.ts'));
  });

  test('a test in a room has its source', () => {
    const orphans = tests
      .filter((file) => rooms.has(room(file)))
      .filter((file) => !sources.includes(file.replace(/\.test\.ts$/, '.ts')));
    expect(orphans).toEqual([]);
  });
});
