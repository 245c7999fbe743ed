import type { KeyObject } from 'node:crypto';

const ALGORITHMS: ReadonlyMap<string, readonly string[]> = new Map([
  ['ec', ['ES256', 'ES384', 'ES512']],
  ['rsa', ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512']],
  ['rsa-pss', ['PS256', 'PS384', 'PS512']],
]);

const CURVES: ReadonlyMap<string, string> = new Map([['ES256', 'prime256v1'], ['ES384', 'secp384r1'], ['ES512', 'secp521r1']]);

/** @throws Error unless an asymmetric key is of the type, the curve and the RSA-PSS parameters that `alg` asks for. */
export function checkKeyType(alg: string, key: KeyObject | null | undefined): void {
  const type = key?.asymmetricKeyType;
  if (!alg || !key || !type) return;
  const allowed = ALGORITHMS.get(type);
  if (allowed === undefined) throw new Error(`Unknown key type "${type}".`);
  if (!allowed.includes(alg)) throw new Error(`"alg" parameter for "${type}" key type must be one of: ${allowed.join(', ')}.`);
  if (type === 'ec') checkCurve(alg, key);
  if (type === 'rsa-pss') checkPssParameters(alg, key);
}

function checkCurve(alg: string, key: KeyObject): void {
  const curve = CURVES.get(alg);
  if (key.asymmetricKeyDetails?.namedCurve !== curve) throw new Error(`"alg" parameter "${alg}" requires curve "${String(curve)}".`);
}

function checkPssParameters(alg: string, key: KeyObject): void {
  const bits = Number(alg.slice(-3));
  const { hashAlgorithm, mgf1HashAlgorithm, saltLength } = key.asymmetricKeyDetails ?? {};
  if (hashAlgorithm !== `sha${bits}` || mgf1HashAlgorithm !== hashAlgorithm) {
    throw new Error(`Invalid key for this operation, its RSA-PSS parameters do not meet the requirements of "alg" ${alg}.`);
  }
  if (saltLength !== undefined && saltLength > bits / 8) {
    throw new Error(`Invalid key for this operation, its RSA-PSS parameter saltLength does not meet the requirements of "alg" ${alg}.`);
  }
}
