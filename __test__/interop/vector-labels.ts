/**
 * Rows of the public vectors whose label is not what a strict verifier answers, each with its reason. Every other row is
 * held to its label; a row that is listed here and behaves as labelled after all fails the test, so that the list cannot
 * grow stale.
 */
export interface LabelNote {
  /** What is expected in place of the label. */
  readonly expected: 'accepted' | 'refused';
  readonly because: string;
}

/** By `tcId` of wycheproof/json_web_signature_test.json. */
export const SIGNATURE_LABELS: Readonly<Record<number, LabelNote>> = {
  346: { expected: 'refused', because: "labelled valid, but the token is PS384 and the key's alg is PS256: a key has one algorithm" },
  347: { expected: 'refused', because: "labelled valid, but the key's alg is ES521, which is none: the curve has 521 bits, the algorithm is ES512" },
  350: { expected: 'refused', because: 'the key of 346' },
  351: { expected: 'refused', because: 'the key of 347' },
  367: { expected: 'accepted', because: 'labelled invalid, but byte for byte the valid row 357 (C2SP/wycheproof issue 236)' },
  370: { expected: 'accepted', because: 'labelled invalid, but byte for byte the valid row 357 (C2SP/wycheproof issue 236)' },
  372: { expected: 'refused', because: 'labelled valid, but there is a ? in the header segment, and the tag is that of the text without it' },
  373: { expected: 'refused', because: 'labelled valid, but there is a ? in the payload segment, and the tag is that of the text without it' },
};

/** By `tcId` of wycheproof/json_web_key_test.json: none. */
export const KEY_LABELS: Readonly<Record<number, LabelNote>> = {};

/** Rows of the same file as {@link SIGNATURE_LABELS} whose private key cannot be imported, though the public one can. */
export const PRIVATE_KEY_REFUSED: Readonly<Record<number, string>> = {
  349: "the private key's key_ops is one string, 'sign, verify', which is no operation",
};
