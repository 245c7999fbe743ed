import type { KeyObject, Sign } from 'node:crypto';

/** Bytes of r and of s in the signature of an algorithm (RFC 7518, section 3.4). */
const FIELD_BYTES: ReadonlyMap<string, number> = new Map([['256', 32], ['384', 48], ['512', 66]]);

/**
 * Signs, and writes the signature as r and s side by side.
 *
 * @throws Error if the key's numbers do not fit, which only a key of another type or curve can cause.
 */
export function signEcdsa(signer: Sign, key: KeyObject, bits: string): string {
  const signature = signer.sign({ key, dsaEncoding: 'ieee-p1363' });
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'dsa') throw new Error('Could not find expected "seq"');
  const width = FIELD_BYTES.get(bits) ?? 0;
  const half = signature.length / 2;
  const r = fitted(signature.subarray(0, half), width, 'r');
  const s = fitted(signature.subarray(half), width, 's');
  return Buffer.concat([r, s]).toString('base64url');
}

/**
 * The signature in DER (RFC 3279, section 2.2.3).
 *
 * @throws TypeError unless it is as long as r and s of the algorithm.
 */
export function derOf(signature: string, bits: string): Buffer {
  const bytes = Buffer.from(signature, 'base64');
  const width = FIELD_BYTES.get(bits) ?? 0;
  if (bytes.length !== width * 2) {
    throw new TypeError(`"ES${bits}" signatures must be "${width * 2}" bytes, saw "${bytes.length}"`);
  }
  const numbers = Buffer.concat([derInteger(bytes.subarray(0, width)), derInteger(bytes.subarray(width))]);
  const length = numbers.length < 0x80 ? [numbers.length] : [0x81, numbers.length];
  return Buffer.concat([Buffer.from([0x30, ...length]), numbers]);
}

function derInteger(number: Buffer): Buffer {
  const magnitude = trimmed(number);
  const sign = signBytes(magnitude);
  return Buffer.concat([Buffer.from([0x02, sign.length + magnitude.length, ...sign]), magnitude]);
}

/** The number in `width` bytes; the length in the message counts as DER does, with the sign. */
function fitted(number: Buffer, width: number, name: string): Buffer {
  const magnitude = trimmed(number);
  const length = signBytes(magnitude).length + magnitude.length;
  if (length > width + 1) throw new Error(`"${name}" specified length of "${length}", max of "${width + 1}" is acceptable`);
  return Buffer.concat([Buffer.alloc(Math.max(width - magnitude.length, 0)), magnitude]);
}

/** DER's numbers have a sign: one whose first bit is set takes a zero in front. */
function signBytes(magnitude: Buffer): readonly number[] {
  return (magnitude[0] ?? 0) >= 0x80 ? [0] : [];
}

function trimmed(number: Buffer): Buffer {
  const start = number.findIndex((byte) => byte !== 0);
  return start < 0 ? number.subarray(number.length - 1) : number.subarray(start);
}
