/** A process with sessions on the store that its argument names; does what its parent says. */
import { createSessions, type RefreshedPair } from 'keyturn';

import { AUDIENCE, ISSUER } from './sessions.js';

export type Command =
  | { readonly type: 'refresh'; readonly token: string; readonly times: number }
  | { readonly type: 'start'; readonly subject: string }
  | { readonly type: 'end'; readonly sid: string }
  | { readonly type: 'rotate' };

export interface Answer {
  readonly pairs?: readonly Pick<RefreshedPair, 'refreshToken' | 'outcome'>[];
  readonly accessToken?: string;
  readonly kid?: string;
}

const [, , store = '', masterKey] = process.argv;
const sessions = createSessions({ store, masterKey, issuer: ISSUER, audience: AUDIENCE });

process.on('message', (command: Command) => {
  void obey(command).then((answer) => process.send?.(answer));
});

async function obey(command: Command): Promise<Answer> {
  switch (command.type) {
    case 'refresh': {
      const all = await Promise.all(Array.from({ length: command.times }, () => sessions.refresh(command.token)));
      return { pairs: all.map(({ refreshToken, outcome }) => ({ refreshToken, outcome })) };
    }
    case 'start':
      return { accessToken: (await sessions.start({ subject: command.subject })).accessToken };
    case 'rotate':
      return { kid: await sessions.keys.rotate() };
    case 'end':
      await sessions.end(command.sid);
      return {};
  }
}
