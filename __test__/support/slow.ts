import type { Algorithm } from 'keyturn';

/** An algorithm whose signatures take long enough to be made on the pool. */
export const SLOW: Algorithm = 'RS256';
