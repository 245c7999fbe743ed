/** Signs in, refreshes and ends sessions as fast as it can, and tells its parent of each step that was acknowledged. */
import { createSessions } from 'keyturn';

import { AUDIENCE, ISSUER } from './sessions.js';

export type Acknowledged =
  | { readonly type: 'pair'; readonly sid: string; readonly refreshToken: string; readonly accessToken: string }
  | { readonly type: 'ended'; readonly sid: string };

const sessions = createSessions({ store: process.argv[2] ?? '', issuer: ISSUER, audience: AUDIENCE });

function tell(step: Acknowledged): void {
  process.send?.(step);
}

async function live(subject: string): Promise<never> {
  for (;;) {
    let pair = await sessions.start({ subject });
    const sid = pair.session.id;
    tell({ type: 'pair', sid, refreshToken: pair.refreshToken, accessToken: pair.accessToken });
    for (let refresh = 0; refresh < 5; refresh += 1) {
      pair = await sessions.refresh(pair.refreshToken);
      tell({ type: 'pair', sid, refreshToken: pair.refreshToken, accessToken: pair.accessToken });
    }
    await sessions.end(sid);
    tell({ type: 'ended', sid });
  }
}

for (let user = 0; user < 16; user += 1) void live(`user ${String(user)}`);
