import { createPublicKey } from 'node:crypto';

import { ALGORITHMS } from '../../dist/keys/key.js';
import { describeInterop, type Peer } from '../support/peer.js';

/** jose is published as ES modules alone. */
const jose = import('jose');

const peer: Peer = {
  name: 'jose',
  async sign(claims, { alg, key, raw }) {
    const { SignJWT } = await jose;
    const header = key.kid === undefined ? { alg } : { alg, kid: key.kid };
    return new SignJWT({ ...claims }).setProtectedHeader(header).sign(raw);
  },
  async verify(token, { alg, raw }) {
    const { jwtVerify } = await jose;
    const { payload } = await jwtVerify(token, raw.type === 'secret' ? raw : createPublicKey(raw), { algorithms: [alg] });
    return payload;
  },
};

for (const alg of ALGORITHMS) describeInterop(peer, alg);
