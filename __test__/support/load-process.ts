/**
 * Signs in, refreshes and revokes as fast as it can, until it is killed. Before a step that ends something it says so, and
 * after each step what was acknowledged; it goes on only when the system has taken the message, so that its parent knows of
 * all it did but the very last step of each user.
 *
 * On SIGTERM it closes its sessions as an application does, and then ends by having nothing left to do.
 */
import { createSessions, type TokenPair } from 'keyturn';

import { internalsOf } from '../../dist/sessions/internals.js';
import { AUDIENCE, coded, ISSUER, MASTER_KEY } from './sessions.js';

export type Step =
  /** The store is about to be opened. */
  | { readonly type: 'opening' }
  | { readonly type: 'pair'; readonly sid: string; readonly refreshToken: string; readonly accessToken: string }
  | { readonly type: 'ending' | 'ended'; readonly sids: readonly string[] }
  | { readonly type: 'revoking' | 'revoked'; readonly sid: string }
  /** Noted just before the end; only a close can have stored it. */
  | { readonly type: 'active'; readonly at: number };

/** Whose one session does nothing but be active at the end. */
export const RESTING = 'resting';

const USERS = 24;
const REFRESHES = 4;

void main(process.argv[2] ?? '');

async function main(store: string): Promise<void> {
  await tell({ type: 'opening' });
  const sessions = createSessions({ store, issuer: ISSUER, audience: AUDIENCE, masterKey: MASTER_KEY });

  /** What the turns of a user end with. The second one leaves a session that lives on, and the third one two. */
  const END: readonly ((subject: string, one: TokenPair, other: TokenPair) => Promise<void>)[] = [
    (subject, one, other) => end([one, other], () => sessions.endAll(subject)),
    (_, one) => end([one], () => sessions.end(one.session.id)),
    async (_, { session: { id: sid }, accessToken }) => {
      const { jti, exp } = sessions.verify(accessToken);
      await tell({ type: 'revoking', sid });
      await sessions.revocation.token(jti, exp);
      await tell({ type: 'revoked', sid });
    },
  ];

  const resting = await signIn(RESTING);
  let isClosing = false;
  process.once('SIGTERM', () => {
    isClosing = true;
    const at = Date.now();
    internalsOf(sessions).recordActivity(sessions.verify(resting.accessToken), 0);
    void tell({ type: 'active', at }).then(() => sessions.close());
  });
  await Promise.all(Array.from({ length: USERS }, (_, user) => live(user).catch((error: unknown) => {
    if (!isClosing) throw error;
    coded('ERR_STORE_CLOSED')(error);
  })));

  async function live(first: number): Promise<never> {
    for (let turn = first; ; turn += 1) {
      // Nobody's sessions are ended along with those of an earlier turn.
      const subject = `${String(process.pid)}.${String(first)}.${String(turn)}`;
      const [one, other] = [await signIn(subject), await signIn(subject)];
      let last = one;
      for (let refresh = 0; refresh < REFRESHES; refresh += 1) {
        last = await told(await sessions.refresh(last.refreshToken));
      }
      await END[turn % END.length]?.(subject, last, other);
    }
  }

  async function signIn(subject: string): Promise<TokenPair> {
    return told(await sessions.start({ subject }));
  }
}

async function end(pairs: readonly TokenPair[], act: () => Promise<unknown>): Promise<void> {
  const sids = pairs.map(({ session }) => session.id);
  await tell({ type: 'ending', sids });
  await act();
  await tell({ type: 'ended', sids });
}

async function told(pair: TokenPair): Promise<TokenPair> {
  await tell({ type: 'pair', sid: pair.session.id, refreshToken: pair.refreshToken, accessToken: pair.accessToken });
  return pair;
}

function tell(step: Step): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(step, (error: Error | null) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
