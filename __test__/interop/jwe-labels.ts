/**
 * Rows of wycheproof/json_web_encryption_test.json that are labelled valid and refused all the same, because of what they are
 * encrypted with. There are no label errors among the others.
 */
export const UNSUPPORTED_JWE: Readonly<Record<number, string>> = {
  28: 'enc A192GCM',
  31: 'enc A192CBC-HS384',
  53: 'enc A192GCM',
  56: 'enc A192CBC-HS384',
  60: 'alg ECDH-ES+A192KW',
  61: 'alg ECDH-ES+A192KW',
  70: 'alg A192KW',
  72: 'alg A192GCMKW',
  77: 'enc A192GCM',
  80: 'enc A192CBC-HS384',
  83: 'enc A192GCM',
  86: 'enc A192CBC-HS384',
  89: 'enc A192GCM',
  92: 'enc A192CBC-HS384',
  100: 'alg RSA1_5: its padding is an oracle wherever an answer differs',
  101: 'alg RSA1_5',
  102: 'alg RSA1_5',
  103: 'alg RSA1_5',
  104: 'alg RSA1_5',
  105: 'alg RSA1_5',
  112: 'alg RSA1_5',
  128: 'alg RSA1_5',
  135: 'zip DEF: nothing is inflated',
};
