import { atOnceOrByLetter, ownInbox } from '../inbox.js';
import { native, type NativePair, type NativeRefresh, type NativeSessions, type PairAnswer } from '../native.js';

/** A refresh at which nobody is asked: answered at once by a store that need not wait. */
export type Refresher = (request: Readonly<NativeRefresh>, now: number) => PairAnswer | Promise<PairAnswer>;

type Plain = ReturnType<typeof native.createRefresher>;

/** What refreshes these sessions. */
export function createRefresher(handle: NativeSessions): Refresher {
  const plain = native.createRefresher(handle, ownInbox());
  return (request, now) => {
    const { token, report, origin } = request;
    if (request.context !== undefined || request.accessToken !== undefined) return handle.refresh(request, now);
    const answer = atOnceOrByLetter((ticket) => plain(token, now, ticket, report, origin));
    if (typeof answer === 'object') return answer.then(pairAnswer);
    return typeof answer === 'number' && answer < 0 ? { pair: rotated(plain, answer) } : pairAnswer(answer);
  };
}

/** The rotation that was answered last, part by part: its texts must not hold on to each other, as pieces of one text would. */
function rotated(part: Plain, kind: number): NativePair {
  const pair: NativePair = {
    accessToken: part(0) as string,
    refreshToken: part(1) as string,
    expiresAt: part(2) as number,
    session: {
      id: part(3) as string,
      subject: part(4) as string,
      startedAt: part(5) as number,
      lastActivityAt: part(6) as number,
      idleEndsAt: part(7) as number,
      absoluteEndsAt: part(8) as number,
    },
    outcome: 'rotated',
  };
  if (kind === WITH_DEVICE) pair.session.device = part(9) as string;
  return pair;
}

const WITH_DEVICE = -2;

function pairAnswer(answer: string | number): PairAnswer {
  return typeof answer === 'string' ? (JSON.parse(answer) as PairAnswer) : { failure: { error: answer } };
}
