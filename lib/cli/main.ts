#!/usr/bin/env node
/** What `npx keyturn` runs. */
import { run } from './commands.js';

// Whoever read the output has gone (a pipe to head): nobody is left to be told, and the exit code says what was found.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

void run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  environment: process.env,
}).then((code) => {
  // Not exit(): what is written to a pipe may not have left yet.
  process.exitCode = code;
});
