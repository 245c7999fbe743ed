import { createPublicKey } from 'node:crypto';

import { createSigner, createVerifier } from 'fast-jwt';

import { ALGORITHMS } from '../../dist/keys/key.js';
import { describeInterop, type Peer } from '../support/peer.js';
import type { TestKey } from '../support/test-keys.js';

const peer: Peer = {
  name: 'fast-jwt',
  sign(claims, own) {
    return createSigner({ algorithm: own.alg, key: signingMaterial(own), ...(own.key.kid === undefined ? {} : { kid: own.key.kid }) })({ ...claims });
  },
  verify: (token, own) => createVerifier({ algorithms: [own.alg], key: verifyingMaterial(own), cache: false })(token) as unknown,
};

for (const alg of ALGORITHMS) describeInterop(peer, alg);

/** fast-jwt takes bytes and PEM, no KeyObject. */
function signingMaterial({ raw }: TestKey): Buffer | string {
  return raw.type === 'secret' ? raw.export() : raw.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function verifyingMaterial({ raw }: TestKey): Buffer | string {
  return raw.type === 'secret' ? raw.export() : createPublicKey(raw).export({ format: 'pem', type: 'spki' }).toString();
}
