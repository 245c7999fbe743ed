import type { NativeContents, NativeKeyFacts } from '../../native.js';
import { fromFailure } from '../../native-error.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { RESTORE } from './judge-file.js';

/** The environment variable with the master key, if doctor is to try it. */
export const MASTER_KEY = 'KEYTURN_MASTER_KEY';

/** Whether that variable is absent, holds a master key, or something else. */
export type MasterKeyState = 'none' | 'given' | 'malformed';

/** What is to be said of the keys in a store. Nothing of a key is ever in it. */
export function judgeKeys({ keys, sessions }: NativeContents, master: MasterKeyState): readonly Finding[] {
  const findings = master === 'malformed' ? [MALFORMED] : [];
  const lacking = ['refresh', 'csrf'].filter((purpose) => !keys.some((one) => one.purpose === purpose));
  if (sessions.live > 0 && lacking.length > 0) {
    findings.push(problem('keys', `no ${lacking.join(' and ')} keys, though there are sessions: nobody can refresh`, RESTORE));
  } else if (keys.length === 0) {
    findings.push(ok('keys', 'none yet; keyturn makes them at its first start'));
  }
  // One line for all that are in the same state.
  const states = new Map<string, { finding: (purposes: string) => Finding; purposes: string[] }>();
  for (const one of keys) {
    const [state, finding] = stateOf(one, master);
    const known = states.get(state) ?? { finding, purposes: [] };
    states.set(state, known);
    known.purposes.push(`${one.purpose}${one.count === undefined ? '' : ` (${String(one.count)})`}`);
  }
  for (const { finding, purposes } of states.values()) findings.push(finding(purposes.join(', ')));
  return findings;
}

const MALFORMED = problem('keys', `${MASTER_KEY} is no master key`, 'give 64 hexadecimal digits or 43 characters of base64url, without a line break');

function stateOf({ sealedBy, failure }: NativeKeyFacts, master: MasterKeyState): readonly [string, (purposes: string) => Finding] {
  if (failure === undefined) {
    if (sealedBy !== 'nobody') return ['open', (purposes) => ok('keys', `sealed, and ${MASTER_KEY} opens them: ${purposes}`)];
    const fix = `start keyturn with a masterKey${master === 'given' ? ', such as this one' : ''}: it seals them in place`;
    return ['unsealed', (purposes) => warning('keys', `not sealed, so who reads the file can sign tokens: ${purposes}`, fix)];
  }
  const { code, reason } = fromFailure(failure);
  if (code === 'ERR_MASTER_KEY') {
    if (reason === 'missing') return ['sealed', (purposes) => ok('keys', `sealed; whether a master key opens them is seen with ${MASTER_KEY} set: ${purposes}`)];
    const fix = 'find the master key that sealed them: keyturn does not start with another one';
    return ['wrong', (purposes) => problem('keys', `sealed by another master key than ${MASTER_KEY}: ${purposes}`, fix)];
  }
  if (code === 'ERR_STORE_VERSION') {
    return ['newer', (purposes) => problem('keys', `written by a newer keyturn: ${purposes}`, 'use that one')];
  }
  return ['damaged', (purposes) => problem('keys', `damaged or tampered with: ${purposes}`, RESTORE)];
}
