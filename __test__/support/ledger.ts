import assert from 'node:assert/strict';

import type { Sessions } from 'keyturn';

import type { Step } from './load-process.js';
import { coded } from './sessions.js';

/** A session as its client knows it. */
interface Known {
  /** The oldest first. */
  readonly refreshTokens: string[];
  accessToken: string;
  /** The doubtful state is that of a step whose acknowledgement never came. */
  session: 'live' | 'in doubt' | 'ended';
  token: 'live' | 'in doubt' | 'revoked';
}

/** How many sessions of earlier rounds are looked at again. */
const KEPT = 48;

/** What a process that is killed had been told was done; and whether its successor still knows. */
export class Ledger {
  #known = new Map<string, Known>();
  steps = 0;
  /** Sessions that were live when they were looked at. */
  live = 0;
  /** Sessions and tokens that were found dead as they should be. */
  dead = 0;

  note(step: Step): void {
    this.steps += 1;
    switch (step.type) {
      case 'opening':
      case 'active':
        return;
      case 'pair':
        this.#pair(step.sid, step.refreshToken, step.accessToken);
        return;
      case 'ending':
      case 'ended':
        for (const sid of step.sids) this.#get(sid).session = step.type === 'ended' ? 'ended' : 'in doubt';
        return;
      case 'revoking':
      case 'revoked':
        this.#get(step.sid).token = step.type === 'revoked' ? 'revoked' : 'in doubt';
    }
  }

  /** Asks these sessions about all that is known. Some of it is then kept to be asked about once more. */
  async check(sessions: Sessions): Promise<void> {
    await Promise.all([...this.#known].map(([sid, known], index) => this.#check(sessions, sid, known, index)));
    this.#known = new Map([...this.#known].slice(-KEPT));
  }

  /** Before the store is replaced by an empty one. */
  forget(): void {
    this.#known.clear();
  }

  async #check(sessions: Sessions, sid: string, known: Known, index: number): Promise<void> {
    const [last = '', previous] = known.refreshTokens.slice(-2).reverse();
    if (known.session === 'in doubt') known.session = await stateOf(sessions, last);
    if (known.session === 'ended') {
      this.dead += 1;
      assert.throws(() => sessions.verify(known.accessToken), coded('ERR_TOKEN_REVOKED'), sid);
      await assert.rejects(sessions.refresh(last), coded('ERR_SESSION_REVOKED'), sid);
      return;
    }
    this.live += 1;
    this.#checkToken(sessions, known);
    // The last acknowledged token is the live one, or the parent of one whose acknowledgement died with the process. A store
    // that had forgotten a rotation would heal the session; one that had burnt it would refuse.
    const next = await sessions.refresh(last);
    assert.ok(next.outcome === 'rotated' || next.outcome === 'replayed', `${sid} is ${next.outcome}`);
    this.#pair(sid, next.refreshToken, next.accessToken);
    if (previous === undefined || index % 4 !== 0) return;
    // And what was rotated away stays so: nobody may use it a second time.
    known.session = 'ended';
    await assert.rejects(sessions.refresh(previous), coded('ERR_REFRESH_REUSED'), sid);
  }

  #checkToken(sessions: Sessions, known: Known): void {
    if (known.token === 'live') {
      sessions.verify(known.accessToken);
    } else if (known.token === 'revoked') {
      this.dead += 1;
      assert.throws(() => sessions.verify(known.accessToken), coded('ERR_TOKEN_REVOKED', 'token'));
    }
  }

  #pair(sid: string, refreshToken: string, accessToken: string): void {
    const known = this.#known.get(sid);
    if (known === undefined) {
      this.#known.set(sid, { refreshTokens: [refreshToken], accessToken, session: 'live', token: 'live' });
      return;
    }
    known.refreshTokens.push(refreshToken);
    known.accessToken = accessToken;
    known.token = 'live';
  }

  #get(sid: string): Known {
    const known = this.#known.get(sid);
    assert.ok(known !== undefined, 'a step of a session that nobody was told of');
    return known;
  }
}

/** Of a session that was to be ended: either is right. */
async function stateOf(sessions: Sessions, refreshToken: string): Promise<'live' | 'ended'> {
  try {
    await sessions.refresh(refreshToken);
    return 'live';
  } catch (error) {
    coded('ERR_SESSION_REVOKED')(error);
    return 'ended';
  }
}
