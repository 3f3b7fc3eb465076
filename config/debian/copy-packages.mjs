// Copies what the program needs at run time below node_modules of FOLDER: the packages that package-lock.json has for it,
// as they were installed and checked. Node.js itself, their commands, types, tests and readmes stay behind. Called by build.sh.

import { cpSync, existsSync, readFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';

const [folder] = process.argv.slice(2);
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const LEFT = new Set(['node_modules', 'test', 'tests', 'benchmarks', 'example', 'examples', 'docs']);
const TYPES = new Set(['.ts', '.mts', '.cts', '.map', '.flow', '.md', '.markdown', '.html', '.yml', '.sh']);

/** Licences are read by licences.mjs, whatever they end in. */
const isNeeded = (path) =>
  /licen[cs]e/i.test(basename(path)) ||
  (!LEFT.has(basename(path)) && !basename(path).startsWith('.') && !TYPES.has(extname(path)));

for (const [place, { dev = false, optional = false }] of Object.entries(packages)) {
  if (place === '' || dev || optional) continue;
  if (!existsSync(place)) throw new Error(`${place} is missing: run npm ci`);
  const commands = commandsOf(place);
  cpSync(place, join(folder, place), {
    recursive: true,
    dereference: true,
    filter: (path) => path === place || (isNeeded(path) && !commands.has(resolve(path))),
  });
}

/** What npm would link into a folder of commands: nothing of the program calls them. */
function commandsOf(place) {
  const { bin = {} } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  const files = typeof bin === 'string' ? [bin] : Object.values(bin);
  return new Set(files.map((file) => resolve(place, file)));
}
