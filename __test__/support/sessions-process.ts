/** A process with sessions on the store that its argument names; does what its parent says. */
import { setTimeout } from 'node:timers/promises';

import { createSessions, type RefreshedPair } from 'keyturn';

import { AUDIENCE, coded, ISSUER } from './sessions.js';

export type Command =
  | { readonly type: 'refresh'; readonly token: string; readonly times: number }
  | { readonly type: 'start'; readonly subject: string }
  /** Answers when the access token is refused. */
  | { readonly type: 'await-end'; readonly accessToken: string }
  | { readonly type: 'end'; readonly sid: string }
  | { readonly type: 'rotate' };

export interface Answer {
  /** When it was done, in milliseconds of the clock that the processes of a host share. */
  readonly at: number;
  readonly pairs?: readonly Pick<RefreshedPair, 'refreshToken' | 'outcome'>[];
  readonly accessToken?: string;
  readonly refreshToken?: string;
  readonly kid?: string;
}

const [, , store = '', masterKey = '', clockMs = '0'] = process.argv;
if (clockMs !== '0') advance(Number(clockMs));
const sessions = createSessions({ store, masterKey: masterKey === '' ? undefined : masterKey, issuer: ISSUER, audience: AUDIENCE });

process.on('message', (command: Command) => {
  void obey(command).then((answer) => {
    const at = Number(process.hrtime.bigint() / 1000n) / 1000;
    process.send?.({ ...answer, at } satisfies Answer);
  });
});

async function obey(command: Command): Promise<Omit<Answer, 'at'>> {
  switch (command.type) {
    case 'refresh': {
      const all = await Promise.all(Array.from({ length: command.times }, () => sessions.refresh(command.token)));
      return { pairs: all.map(({ refreshToken, outcome }) => ({ refreshToken, outcome })) };
    }
    case 'start': {
      const { accessToken, refreshToken } = await sessions.start({ subject: command.subject });
      return { accessToken, refreshToken };
    }
    case 'rotate':
      return { kid: await sessions.keys.rotate() };
    case 'end':
      await sessions.end(command.sid);
      return {};
    case 'await-end':
      await sessions.ready();
      while (isAccepted(command.accessToken)) await setTimeout(1);
      return {};
  }
}

function isAccepted(accessToken: string): boolean {
  try {
    sessions.verify(accessToken);
    return true;
  } catch (error) {
    return !coded('ERR_TOKEN_REVOKED')(error);
  }
}

/** Moves this process's wall clock. */
function advance(milliseconds: number): void {
  const now = Date.now.bind(Date);
  Date.now = () => now() + milliseconds;
}
