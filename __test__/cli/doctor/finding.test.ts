import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { CHECKS } from '../../../dist/cli/doctor/finding.js';
import { projectText, sectionOf } from '../../support/documents.js';

describe('docs/deployment.md', () => {
  it('explains each check of doctor, in the order in which they are printed', () => {
    const rows = sectionOf(projectText('docs/deployment.md'), 'Checking the file').map((line) => /^\| `([^`]+)` \|/.exec(line)?.[1]);
    assert.deepEqual(rows.filter((name) => name !== undefined), CHECKS);
  });
});
