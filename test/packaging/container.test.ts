// The container file, read as a builder would: who runs, what it copies, and whether its ports are those of its config.

import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ROOT, startProgram } from '../support/program.ts';
import { NODE } from '../support/run.ts';

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** The stages, each with its instructions; continuation lines joined, comments left out. */
function stagesOf(text: string): Instruction[][] {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n');
  const stages: Instruction[][] = [];
  for (const line of lines.filter((one) => one.trim() !== '')) {
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (word === 'FROM') stages.push([]);
    stages.at(-1)?.push({ word, rest });
  }
  return stages;
}

const FILE = readFileSync(join(ROOT, 'config/container/Containerfile'), 'utf8');
const stages = stagesOf(FILE);
const final = stages.at(-1) ?? [];
const all = stages.flat();
const last = (word: string): string | undefined => final.findLast((one) => one.word === word)?.rest;
/** The words of an instruction in exec form; undefined: it is in the form of a shell. */
function words(text: string | undefined): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text ?? '');
    return Array.isArray(list) ? list.map(String) : undefined;
  } catch {
    return undefined;
  }
}
const probe = words(last('HEALTHCHECK')?.replace(/^.*?CMD /, ''));

/** The config of the image, in a folder in the place of /data. */
async function imageConfig() {
  vi.stubEnv('CA_FOLDER', undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  return loadConfig(join(ROOT, 'config/container/sallyport.yaml'));
}

describe('the container file', () => {
  test('has instructions that a builder knows', () => {
    const known = /^(?:FROM|WORKDIR|COPY|RUN|USER|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$/;
    expect(all.filter(({ word }) => !known.test(word))).toEqual([]);
    expect(stages).toHaveLength(2);
  });

  test('begins with images of a known name and version', () => {
    for (const { rest } of all.filter(({ word }) => word === 'FROM')) {
      expect(rest).toMatch(/^docker\.io\/library\/[a-z]+:(?!latest)[\w.-]+(?: AS \w+)?$/);
    }
  });

  test('runs as a user without rights, known by number, and nothing after that is done by root', () => {
    expect(last('USER')).toBe('10001:10001');
    const after = final.slice(final.findIndex(({ word }) => word === 'USER') + 1);
    expect(after.filter(({ word }) => ['RUN', 'COPY', 'USER'].includes(word))).toEqual([]);
  });

  test('starts the program itself, so that it hears the signal', () => {
    expect(words(last('ENTRYPOINT'))).toEqual(['/usr/bin/sallyport']);
    expect(words(last('CMD'))).toEqual(['run']);
    expect(readFileSync(join(ROOT, 'config/debian/sallyport'), 'utf8')).toMatch(
      /^exec \/usr\/lib\/sallyport.* --disable-sigusr1 /m,
    );
    expect(last('STOPSIGNAL')).toBe('SIGTERM');
  });

  test('copies what is there, and what the builder is shown', () => {
    const shown = readFileSync(join(ROOT, 'config/container/Containerfile.dockerignore'), 'utf8').split('\n');
    const copied = all
      .filter(({ word, rest }) => word === 'COPY' && !rest.includes('--from='))
      .flatMap(({ rest }) =>
        rest
          .split(/\s+/)
          .filter((one) => !one.startsWith('--'))
          .slice(0, -1),
      );
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect(existsSync(join(ROOT, path))).toBe(true);
      expect(shown).toContain(`!${path.split('/')[0]}`);
    }
    expect(shown[0]).toBe('*');
  });

  test('installs packages without what they recommend, and leaves no lists behind', () => {
    const installs = all.filter(({ word, rest }) => word === 'RUN' && rest.includes('apt-get install'));
    // One for each stage; both run the Node.js that the program brings.
    expect(installs).toHaveLength(2);
    for (const { rest } of installs) {
      expect(rest).toContain(' libatomic1');
      expect(rest).toContain('--no-install-recommends');
      expect(rest).toContain('rm -rf /var/lib/apt/lists/*');
    }
    expect(FILE).not.toMatch(/\bADD\b|curl|wget|sudo/);
  });

  test('writes below /data only', async () => {
    const { admin, ca, rejections, log } = await imageConfig();
    const written = [admin.socket, ca.cert, ca.key, rejections.state, rejections.audit];
    for (const path of written) expect(path).toMatch(/^\/data\//);
    expect(log.access.map(({ path }) => path)).toEqual(['stdout']);
    expect(last('VOLUME')).toBe('/data');
  });

  test('opens the ports of its config', async () => {
    const { listen, admin } = await imageConfig();
    const ports = [...listen.map(({ port }) => port), admin.listen?.port];
    expect(last('EXPOSE')?.split(' ').map(Number)).toEqual(ports);
    expect(probe?.join(' ')).toContain(`http://127.0.0.1:${admin.listen?.port}/readyz`);
  });
});

describe('the health check', () => {
  test.each<[string, string, number]>([
    ['of a proxy that is ready', '200 OK', 0],
    ['of one that is not', '503 Service Unavailable', 1],
    ['of none', '', 1],
  ])('%s', async (_, status, code) => {
    const server = join(mkdtempSync(join(tmpdir(), 'probe-')), 'server.mjs');
    const reply = `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    writeFileSync(
      server,
      `import net from 'node:net';
       const server = net.createServer((socket) => {
         socket.on('error', () => {}).once('data', (bytes) =>
           socket.end(String(bytes).startsWith('GET /readyz ') ? ${JSON.stringify(reply)} : ''));
       });
       server.listen(0, '127.0.0.1', () => console.log(server.address().port));`,
    );
    const program = startProgram([server]);
    const [, port = ''] = await program.out(/(\d+)\n/);
    if (status === '') {
      program.kill('SIGKILL');
      await program.ended;
    }
    expect(probe?.[0]).toBe('/usr/lib/sallyport/bin/node');
    const script = (probe?.[2] ?? '').replace(':9128/', `:${port}/`);
    const asked = startProgram([probe?.[1] ?? '', script], { command: NODE });
    await expect(asked.ended).resolves.toEqual({ code, signal: null });
  });
});
