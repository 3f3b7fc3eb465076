// Writes the licences of all that the package contains beside the program itself, for its copyright file. Called by build.sh
// with the folder of the packages and that of Node.js.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [modules, node] = process.argv.slice(2);

function packagesIn(folder) {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => (name.startsWith('@') ? packagesIn(join(folder, name)) : [join(folder, name)]))
    .filter((place) => existsSync(join(place, 'package.json')));
}

for (const place of [...packagesIn(modules), node]) {
  const { name, version, license } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  const files = readdirSync(place)
    .filter((file) => /^(?:un)?licen[cs]e/i.test(file))
    .sort();
  const texts = files.map((file) => readFileSync(join(place, file), 'utf8').trim());
  process.stdout.write(`\n${'-'.repeat(80)}\n${name} ${version}: ${license}\n\n${texts.join('\n\n')}\n`);
  // Here is where Debian looks for them.
  if (place !== node) for (const file of files) rmSync(join(place, file));
}
