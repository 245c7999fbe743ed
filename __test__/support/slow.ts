import type { Algorithm } from 'keyturn';

/** An algorithm that takes long enough to be worth the pool, for signing and for verifying. */
export const SLOW: Algorithm = 'ES512';
