import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { eventsOf, renewalEventsOf } from '../../dist/sessions/refresh-events.js';

const SESSION = { id: 's', subject: 'alice', startedAt: 0, lastActivityAt: 0, idleEndsAt: 0, absoluteEndsAt: 0 };
const pair = (outcome: string, elsewhere = false): Parameters<typeof eventsOf>[0] => {
  const made = { accessToken: 'a', refreshToken: 'r', expiresAt: 0, session: SESSION, outcome };
  return elsewhere ? { ...made, elsewhere } : made;
};

describe('what a renewal tells', () => {
  it('is that the session was renewed', () => {
    assert.deepEqual(renewalEventsOf(pair('rotated')), [{ type: 'refresh_rotated', reason: 'renewed' }]);
  });

  it('is also what a refresh with the same token would have told', () => {
    for (const told of [pair('healed'), pair('healed_ahead'), pair('rotated', true)]) {
      const others = eventsOf(told).filter(({ type }) => type !== 'refresh_rotated');
      assert.ok(others.length > 0);
      assert.deepEqual(renewalEventsOf(told), [{ type: 'refresh_rotated', reason: 'renewed' }, ...others]);
    }
  });
});
