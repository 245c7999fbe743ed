import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';

import { timeAfter } from '../../dist/jsonwebtoken/time-span.js';
import { randomSource } from '../support/random.js';

/** What npm jsonwebtoken reads time spans with; it is among its dependencies. */
const ms = createRequire(createRequire(__filename).resolve('jsonwebtoken'))('ms') as (text: string) => number | undefined;

const NUMBERS = ['', '0', '1', '12', '1.5', '.5', '1.', '-1', '-.5', '--1', '+1', '1e3', '1,5', '0x1', '\u0661', ' 1', '00012', '9'.repeat(40)];
const GAPS = ['', ' ', '   ', '\t', '\u00a0', '-'];
const UNITS = [
  '', 'milliseconds', 'millisecond', 'msecs', 'msec', 'ms', 'seconds', 'second', 'secs', 'sec', 's', 'minutes', 'minute', 'mins', 'min', 'm', 'hours', 'hour', 'hrs', 'hr', 'h',
  'days', 'day', 'd', 'weeks', 'week', 'w', 'years', 'year', 'yrs', 'yr', 'y', 'months', 'month', 'mo', 'fortnight', 'S', 'HOURS', 'Days', 'mS', '\u017f', 'h ', 'hh', 'toString', 'constructor',
];

describe('time spans', () => {
  it('are read as ms reads them', () => {
    for (const number of NUMBERS) {
      for (const gap of GAPS) {
        for (const unit of UNITS) same(`${number}${gap}${unit}`);
      }
    }
    same('1'.repeat(100));
    same('1'.repeat(101));
    same(`${' '.repeat(50)}1d`);
  });

  it('are read as ms reads them, whatever they are made of', () => {
    const random = randomSource();
    for (let round = 0; round < 20_000; round += 1) {
      same(Array.from({ length: 1 + random.below(6) }, () => random.pick([...Array.from('0123456789.- smhdwySMHD'), 'min', 'day'])).join(''));
    }
  });

  it('are seconds if they are a number, and nothing if they are anything else', () => {
    assert.equal(timeAfter(5.5, 10), 15.5);
    for (const span of [undefined, null, true, {}, [], new String('1d'), 5n]) assert.equal(timeAfter(span, 10), undefined);
  });
});

function same(text: string): void {
  if (text === '') return;
  const milliseconds = ms(text);
  assert.equal(timeAfter(text, 1000), milliseconds === undefined ? undefined : Math.floor(1000 + milliseconds / 1000), JSON.stringify(text));
}
