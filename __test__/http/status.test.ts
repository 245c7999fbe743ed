import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ERROR_CODES } from '../../dist/errors.js';
import { STATUS_OF } from '../../dist/http/status.js';

describe('STATUS_OF', () => {
  it('has one status for every code and no other entry', () => {
    assert.deepEqual(Object.keys(STATUS_OF).sort(), [...ERROR_CODES].sort());
  });

  it('blames the client below 500 and the service from 500 on', () => {
    for (const status of Object.values(STATUS_OF)) assert.ok([400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503].includes(status));
  });
});
