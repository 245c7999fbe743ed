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
  367: { expected: 'accepted', because: 'labelled invalid, but byte for byte the valid row 357 (C2SP/wycheproof issue 236)' },
  370: { expected: 'accepted', because: 'labelled invalid, but byte for byte the valid row 357 (C2SP/wycheproof issue 236)' },
  372: { expected: 'refused', because: 'labelled valid, but there is a ? in the header segment, and the tag is that of the text without it' },
  373: { expected: 'refused', because: 'labelled valid, but there is a ? in the payload segment, and the tag is that of the text without it' },
};

/** By `tcId` of wycheproof/json_web_key_test.json. None of them with the algorithms there are now. */
export const KEY_LABELS: Readonly<Record<number, LabelNote>> = {};

/**
 * Rows that are labelled invalid though their MAC is right, because of the key or of the set: they are refused when the key
 * or the verifier is made, before a token is seen.
 */
export const REFUSED_AT_IMPORT: Readonly<Record<number, string>> = {
  1: 'the set mixes a symmetric with an asymmetric key; its second key is for ES256, which this version does not take',
  4: 'two keys have one kid',
  10: 'the HS256 secret has 31 bytes',
  16: 'the HS256 secret is empty',
  25: 'the key is for A256GCM',
  26: 'the key is for A256KW',
};
