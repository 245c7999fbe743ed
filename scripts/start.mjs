/**
 * Why this exists: `npm start` is one command in a fresh clone: it builds what is stale, with the progress in view, and
 * then runs the demo. The server runs in this very process, so that a signal to npm, to its group or to the listening
 * process reaches it without a go-between, `kill -9` leaves nothing behind that holds the port, and its exit code is
 * npm's. On Ctrl-C the terminal and npm both send SIGINT: the server has to take the second for the same wish.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';

import { run } from './run.mjs';
import { atRoot } from './source/files.mjs';

const BUILD = fileURLToPath(new URL('build.mjs', import.meta.url));
const SERVER = 'examples/angular-express/server';

const failed = await run(process.execPath, [BUILD, SERVER]);
if (failed === 0) {
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(atRoot(`${SERVER}/dist/main.js`)).href);
} else {
  process.exitCode = failed;
}
