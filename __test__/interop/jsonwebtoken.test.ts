import jwt from 'jsonwebtoken';

import { describeInterop, type Peer } from '../support/peer.js';

const peer: Peer = {
  name: 'jsonwebtoken',
  sign: (claims, { key, raw }) => jwt.sign({ ...claims }, raw, { algorithm: 'HS256', ...(key.kid === undefined ? {} : { keyid: key.kid }) }),
  // It looks claims up in a plain object of validators, and takes Object.prototype's members for some.
  cannotSign: (claims) => Object.keys(claims).some((name) => name in Object.prototype),
  verify: (token, { raw }) => jwt.verify(token, raw, { algorithms: ['HS256'] }),
};

// It has no EdDSA.
describeInterop(peer, 'HS256');
