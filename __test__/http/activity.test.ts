import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';

import { activityOf, parseActivityMode, reportedActivity } from '../../dist/http/activity.js';

describe('activityOf and reportedActivity', () => {
  const cases: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, request: number | undefined, report: number | undefined])[] = [
    ['a plain request', {}, 0, undefined],
    ['a report', { 'x-keyturn-activity': '1500' }, 1500, 1500],
    ['a report of now', { 'x-keyturn-activity': '0' }, 0, 0],
    ['a background request', { 'x-keyturn-background': '1' }, undefined, undefined],
    ['a background request with a report', { 'x-keyturn-background': '1', 'x-keyturn-activity': '1500' }, 1500, 1500],
    ['another value of the background header', { 'x-keyturn-background': '0' }, 0, undefined],
    ['the longest report', { 'x-keyturn-activity': '9999999999' }, 9_999_999_999, 9_999_999_999],
    ['a report that is too long', { 'x-keyturn-activity': '99999999999' }, undefined, undefined],
    ['a negative report', { 'x-keyturn-activity': '-1' }, undefined, undefined],
    ['a report with a sign', { 'x-keyturn-activity': '+1' }, undefined, undefined],
    ['a fraction', { 'x-keyturn-activity': '1.5' }, undefined, undefined],
    ['an exponent', { 'x-keyturn-activity': '1e3' }, undefined, undefined],
    ['hexadecimal', { 'x-keyturn-activity': '0x10' }, undefined, undefined],
    ['two reports', { 'x-keyturn-activity': '1, 2' }, undefined, undefined],
    ['an empty report', { 'x-keyturn-activity': '' }, undefined, undefined],
    ['words', { 'x-keyturn-activity': 'now' }, undefined, undefined],
  ];
  for (const [what, headers, request, report] of cases) {
    it(`reads ${what}`, () => {
      const req = { headers } as unknown as IncomingMessage;
      assert.equal(activityOf(req, 'requests'), request);
      assert.equal(activityOf(req, 'reported'), report, 'where only reports count, nothing else does');
      assert.equal(reportedActivity(req), report);
    });
  }
});

describe('parseActivityMode', () => {
  it('takes the two modes, requests by default, and says so of anything else', () => {
    assert.equal(parseActivityMode(), 'requests');
    assert.equal(parseActivityMode('reported'), 'reported');
    for (const mode of ['', 'none', true, null, 7]) {
      assert.throws(() => parseActivityMode(mode), { code: 'ERR_OPTION_INVALID', message: /'requests' or 'reported'/ });
    }
  });
});
