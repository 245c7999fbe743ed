import { atOnceOrByLetter, ownInbox } from '../inbox.js';
import { native, type NativeRefresh, type NativeSessions, type PairAnswer } from '../native.js';

/** A refresh at which nobody is asked: answered at once by a store that need not wait. */
export type Refresher = (request: Readonly<NativeRefresh>, now: number) => PairAnswer | Promise<PairAnswer>;

/** What refreshes these sessions. */
export function createRefresher(handle: NativeSessions): Refresher {
  const plain = native.createRefresher(handle, ownInbox());
  return (request, now) => {
    const { token, report, origin } = request;
    if (request.context !== undefined || request.accessToken !== undefined) return handle.refresh(request, now);
    const answer = atOnceOrByLetter((ticket) => plain(token, now, ticket, report, origin));
    return typeof answer === 'object' ? answer.then(pairAnswer) : pairAnswer(answer);
  };
}

function pairAnswer(answer: string | number): PairAnswer {
  return typeof answer === 'string' ? (JSON.parse(answer) as PairAnswer) : { failure: { error: answer } };
}
