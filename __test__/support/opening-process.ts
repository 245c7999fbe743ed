/** Opens the store that its argument names, signs somebody in, closes it, and begins again, until it is killed or anything fails. */
import { createSessions } from 'keyturn';

import { AUDIENCE, ISSUER } from './sessions.js';

void main(process.argv[2] ?? '');

async function main(store: string): Promise<never> {
  process.removeAllListeners('warning');
  for (;;) {
    const sessions = createSessions({ store, issuer: ISSUER, audience: AUDIENCE });
    await sessions.start({ subject: 'alice' });
    await sessions.close();
    process.send?.('once more');
  }
}
