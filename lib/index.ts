export type { Claims } from './claims.js';
export type { KeyturnErrorCode, KeyturnErrorDetails } from './errors.js';
export { ERROR_CODES, KeyturnError } from './errors.js';
export type { AuthEvent, AuthEventListener, AuthEventType } from './events.js';
export { type Auth, type AuthenticatedRequest, type AuthOptions, createAuth } from './express/index.js';
export { type DecryptedJwe, decryptJwe, type DecryptOptions } from './jwe/decrypt.js';
export { encryptJwe, type EncryptOptions } from './jwe/encrypt.js';
export type { ContentEncryption, Curve, KeyManagementAlgorithm } from './keys/encryption.js';
export { type GenerateEncryptionKeyOptions, generateKey, type GenerateKeyOptions } from './keys/generate.js';
export { type ImportEncryptionKeyOptions, importKey, type ImportKeyOptions, type JsonWebKey, type KeyMaterial, type SecretMaterial } from './keys/import.js';
export type { Algorithm, EncryptionKey, Key, KeyAlgorithm, PublicJwk } from './keys/key.js';
export {
  createRemoteKeySet,
  type RemoteKeySet,
  type RemoteKeySetOptions,
  type RemoteKeySetStats,
} from './keys/remote/create.js';
export { createKeyRing, type KeyRing, type KeyRingOptions, type KeyState, type RingKey } from './keys/ring.js';
export { importKeySet, type ImportKeySetOptions, type KeySet, type PublicJwks } from './keys/set.js';
export type { VerifyingKeys } from './keys/source.js';
export type { Duration } from './options/duration.js';
export { hashPassword, verifyPassword } from './passwords.js';
export type { CutOffOptions, Revocation, Rights } from './revocation/revocation.js';
export { type AccountOptions, type Accounts, createAccounts, type SignedInUser } from './sessions/accounts.js';
export { createSessions, type SessionsOptions, type StoredKeyOptions, type Strategy } from './sessions/create.js';
export type { SessionKeys } from './sessions/keys.js';
export type { MasterKey, MasterKeyOption, MasterKeys } from './sessions/master-key.js';
export type { MaxSessions } from './sessions/max-sessions.js';
export type {
  ContextMismatch,
  OnRefresh,
  Pairing,
  RefreshedClaims,
  RefreshingSession,
  RefreshSettings,
} from './sessions/refresh-options.js';
export type { Sessions } from './sessions/sessions.js';
export type { OnStale } from './sessions/staleness.js';
export type {
  AccessClaims,
  CarriedClaims,
  RefreshedPair,
  RefreshOptions,
  RefreshOutcome,
  RenewOptions,
  Session,
  StartOptions,
  TokenPair,
} from './sessions/types.js';
export type { TokenCacheOptions, TokenCacheStatistics } from './tokens/cache.js';
export { dangerouslyDecode, type DecodedToken } from './tokens/decode.js';
export type { HeaderMembers } from './tokens/header.js';
export { signJws, type SignJwsOptions, type VerifiedJws, verifyJws, type VerifyJwsOptions } from './tokens/jws.js';
export type { TokenDecryption, TokenEncryption } from './tokens/nested.js';
export { createSigner, type Signer, type SignerOptions, type SignOptions } from './tokens/signer.js';
export { createVerifier, type Verifier, type VerifierOptions } from './tokens/verifier.js';
