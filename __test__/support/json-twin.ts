import { createSecretKey, type KeyObject } from 'node:crypto';

import { alive, segment, signSegments } from './raw-token.js';

/**
 * The relative of a mutated HS256 vector that has a JSON object for a payload: what distinguishes the vector from one of the
 * valid tokens it was made from is done in the same place to a valid token with a good payload. A tag that is no mutation of
 * the valid one is made anew over the changed text, as the author of the vector did.
 */
export function jsonTwin(mutated: string, valid: readonly string[], k: string): string {
  const secret = createSecretKey(Buffer.from(k, 'base64url'));
  for (let salt = 0; salt < 100; salt += 1) {
    const twins = valid.map((original) => twinOf(mutated, original, secret, segment(alive({ salt }))));
    const best = twins.reduce((a, b) => (b.likeness > a.likeness ? b : a));
    // One time in 64 the character that was put into the vector stands in the new tag already.
    if (best.token !== best.unchanged || valid.includes(mutated)) return best.token;
  }
  throw new Error(`What was changed in ${mutated} could not be done again.`);
}

function twinOf(mutated: string, original: string, secret: KeyObject, payload: string) {
  const [header = ''] = original.split('.');
  const unchanged = signSegments(header, payload, secret);
  const now = unchanged.split('.');
  const pairs = original.split('.').map((old, index) => ({ old, now: now[index] ?? '' }));
  const changed = mutated.split('.').map((part) => changeAlike(part, pairs));
  const [first, second, third] = changed;
  const foreignTag = first !== undefined && second !== undefined && third?.likeness === 0 && third.text !== '' && changed.length === 3;
  return {
    likeness: changed.reduce((sum, one) => sum + one.likeness, 0),
    token: foreignTag ? signSegments(first.text, second.text, secret) : changed.map(({ text }) => text).join('.'),
    unchanged,
  };
}

interface Pair {
  readonly old: string;
  readonly now: string;
}

/** Does to the new text what was done to the most similar old one; what is like none of them stays as it is. */
function changeAlike(part: string, pairs: readonly Pair[]): { readonly text: string; readonly likeness: number } {
  const ranked = pairs.map((pair) => ({ pair, ...common(part, pair.old) })).sort((a, b) => b.prefix + b.suffix - a.prefix - a.suffix);
  const [best] = ranked;
  if (best === undefined || best.prefix + best.suffix < 2) return { text: part, likeness: 0 };
  const { pair: { old, now }, prefix, suffix } = best;
  const removed = old.length - prefix - suffix;
  // A change at the very end stays one, though the new text is longer or shorter.
  const at = suffix === 0 && prefix > 0 ? now.length - removed : prefix;
  return { text: now.slice(0, at) + part.slice(prefix, part.length - suffix) + now.slice(at + removed), likeness: prefix + suffix };
}

/** How much two texts have in common at their start and, of the rest, at their end. */
function common(a: string, b: string): { readonly prefix: number; readonly suffix: number } {
  const most = Math.min(a.length, b.length);
  let prefix = 0;
  while (prefix < most && a[prefix] === b[prefix]) prefix += 1;
  let suffix = 0;
  while (suffix < most - prefix && a[a.length - 1 - suffix] === b[b.length - 1 - suffix]) suffix += 1;
  return { prefix, suffix };
}
