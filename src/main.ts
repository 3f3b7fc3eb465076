#!/usr/bin/env node
// The entry: guards the runtime and the streams, then hands the words of the command line to cli/. Started by npm, by the
// package's bin, or by a service manager.

/** As in package.json; require-node.cjs says the same where an older Node.js cannot even read this file. */
const OLDEST = 24;
/** Milliseconds that a question still open (to a name server, say) may hold up the end. */
const LAST_CALL = 1_000;

// Squid's log rotation sends SIGUSR1; without a handler Node answers it by opening a debugger port inside a process
// that holds a CA key. `up` and `run` replace this one by reopening their logs.
process.on('SIGUSR1', () => undefined);
// One that has come while Node itself was starting has opened it, or is about to; unless somebody has asked for it by name.
if (!process.execArgv.some((word) => word.startsWith('--inspect'))) {
  const inspector = process.getBuiltinModule('node:inspector');
  inspector.close();
  setImmediate(() => inspector.close());
}
// Whoever read our output may have heard enough, as `head` does; that is no fault.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const major = Number(process.versions.node.split('.')[0]);
if (major < OLDEST) {
  process.stderr.write(`sallyport needs Node.js ${OLDEST} or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
} else {
  const { tuneEngine } = await import('./core/tune-engine.ts');
  tuneEngine();
  const { main } = await import('./cli/main.ts');
  process.exitCode = await main(process.argv.slice(2));
  setTimeout(end, LAST_CALL).unref();
}

/**
 * To exit waits for all threads, also for one that the system keeps in a write to a pipe that nobody reads: then the signal
 * ends us, for which a service manager does not take us for failed.
 */
function end(): void {
  if (process.getActiveResourcesInfo().includes('FSReqCallback')) {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  } else process.exit();
}
