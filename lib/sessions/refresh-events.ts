import type { KeyturnError } from '../errors.js';
import type { AuthEvent, AuthEventType } from '../events.js';
import type { NativePair } from '../native.js';
import type { RefreshedPair } from './types.js';

/** How a refresh was granted, as its caller is told. */
export function outcomeOf({ outcome }: NativePair): RefreshedPair['outcome'] {
  return outcome === 'healed_ahead' ? 'healed' : ((outcome ?? 'rotated') as RefreshedPair['outcome']);
}

const EVENTS_OF = {
  rotated: ['refresh_rotated'],
  replayed: ['refresh_replayed'],
  healed: ['store_rollback_healed'],
  healed_ahead: ['generation_ahead', 'store_rollback_healed'],
} as const;

/** What nearly every grant tells. */
const ROTATED = [{ type: 'refresh_rotated' }] as const;

/** What a grant tells an operator. */
export function eventsOf({ outcome, elsewhere, contention }: NativePair): readonly Pick<AuthEvent, 'type' | 'reason'>[] {
  const types = EVENTS_OF[(outcome ?? 'rotated') as keyof typeof EVENTS_OF];
  if (outcome === 'rotated' && elsewhere === undefined && contention === undefined) return ROTATED;
  return [
    ...types.map((type) => ({ type })),
    ...(elsewhere === true ? [{ type: 'context_mismatch', reason: 'report' } as const] : []),
    ...(contention === undefined ? [] : [{ type: 'refresh_contention', reason: contention } as const]),
  ];
}

/** The same for a session that was put in the place of another. */
export function renewalEventsOf(renewed: NativePair): readonly Pick<AuthEvent, 'type' | 'reason'>[] {
  const others = eventsOf(renewed).filter(({ type }) => type !== 'refresh_rotated');
  return [{ type: 'refresh_rotated', reason: 'renewed' }, ...others];
}

/** What a refusal tells. */
export function eventOf({ code, reason }: KeyturnError): AuthEventType | undefined {
  if (code === 'ERR_REFRESH_REUSED') return 'refresh_reuse';
  if (code === 'ERR_SESSION_EXPIRED') return 'session_expired';
  if (reason === 'context') return 'context_mismatch';
  return reason === 'rollback' ? 'generation_ahead' : undefined;
}
