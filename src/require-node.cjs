// Required by the npm scripts before main.ts, in words that every Node.js knows: one too old for TypeScript would end in a
// stack trace there. npm puts the right one first, unless its packages for this platform were left out. And most of a start
// is to compile our own sources: what one has compiled is kept for the next, and for the workers, who have the variable.
'use strict';

const oldest = Number.parseInt(require('../package.json').engines.node.replace(/^\D+/, ''), 10);
if (Number.parseInt(process.versions.node, 10) < oldest) {
  process.stderr.write(`sallyport needs Node.js ${oldest} or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}

process.env.NODE_COMPILE_CACHE ||= require('node:path').join(__dirname, '../node_modules/.cache/compiled');
require('node:module').enableCompileCache(process.env.NODE_COMPILE_CACHE);
