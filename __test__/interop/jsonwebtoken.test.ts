import { createPublicKey } from 'node:crypto';

import jwt, { type Algorithm } from 'jsonwebtoken';

import { ALGORITHMS } from '../../dist/keys/key.js';
import { describeInterop, type Peer } from '../support/peer.js';

const peer: Peer = {
  name: 'jsonwebtoken',
  sign: (claims, { alg, key, raw }) => jwt.sign({ ...claims }, raw, { algorithm: alg as Algorithm, ...(key.kid === undefined ? {} : { keyid: key.kid }) }),
  // It looks claims up in a plain object of validators, and takes Object.prototype's members for some.
  cannotSign: (claims) => Object.keys(claims).some((name) => name in Object.prototype),
  verify: (token, { alg, raw }) => jwt.verify(token, raw.type === 'secret' ? raw : createPublicKey(raw), { algorithms: [alg as Algorithm] }),
};

// It has no EdDSA.
for (const alg of ALGORITHMS.filter((name) => name !== 'EdDSA')) describeInterop(peer, alg);
