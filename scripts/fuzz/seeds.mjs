/**
 * Why this exists: a fuzzer that starts from nothing spends its time on learning what a token looks like. These are small
 * inputs of each form, and those of the public test vectors, if they are here.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { atRoot } from '../source/files.mjs';

/** As in fuzz/src/token.rs. */
const SECRET = 'a secret of 32 bytes for fuzzing';
const NOW = 1_700_000_000;

/** More vectors than this make a short run read seeds and nothing else. */
const MAX_VECTORS = 500;

/** At least as many as there are algorithms: the targets take the remainder. */
const ALGORITHMS = 16;

const HEADERS = ['{"alg":"HS256"}', '{"alg":"HS256","typ":"JWT","kid":"k"}', '{"typ":"at+jwt","alg":"HS256"}', '{"alg":"HS256","crit":["b64"],"b64":false}', '{"alg":"none"}'];

const CLAIMS = [
  '{}',
  `{"iss":"me","aud":"api","exp":${String(NOW + 60)}}`,
  `{"iss":"me","aud":["x","api"],"exp":${String(NOW)}.5,"nbf":${String(NOW - 1)},"iat":1.7e9,"sub":"alice","jti":"j","sid":"s"}`,
  `{"exp":${String(NOW - 1)},"roles":["a","b"],"deep":{"a":[1,-0.5,null,true,{"b":"\\u00e9\\ud83d\\ude00"}]}}`,
  '{"__proto__":{},"a":1,"a":2}',
  `{"exp":1e400,"nbf":-1,"iat":"1","n":${'['.repeat(33)}${']'.repeat(33)}}`,
  `{${Array.from({ length: 20 }, (_, index) => `"m${String(index)}":${String(index)}`).join(',')}}`,
];

const WORDS = [
  ...['alg', 'kid', 'typ', 'crit', 'b64', 'HS256', 'iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'jti', 'sid', 'me', 'api', '__proto__'],
  ...['kty', 'crv', 'x', 'y', 'd', 'n', 'e', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'use', 'sig', 'enc', 'key_ops', 'sign', 'verify', 'keys'],
  ...['oct', 'OKP', 'Ed25519', 'EC', 'P-256', 'P-384', 'P-521', 'RSA', 'EdDSA', 'RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'HS512'],
  ...['epk', 'apu', 'apv', 'iv', 'tag', 'zip', 'dir', 'A128KW', 'A256GCMKW', 'ECDH-ES', 'RSA-OAEP-256', 'A256GCM', 'A128CBC-HS256', 'X25519'],
];

/** @type {Readonly<Record<string, () => readonly (Buffer | string)[]>>} */
const SEEDS = {
  base64url: () => ['', 'QQ', 'QUI', 'QUJD', 'QR', 'QQ==', '-_-_', '+/+/', Buffer.alloc(32, 7).toString('base64url')],
  claims: () => [...CLAIMS, ...HEADERS],
  compact: () => [
    ...HEADERS.flatMap((header) => CLAIMS.flatMap((claims) => [`\x02${header}\n${claims}`, `\x03${header}\n${claims}`])),
    ...HEADERS.flatMap((header) => CLAIMS.map((claims) => `\x01${token(header, claims)}`)),
    ...vectors()
      .filter((value) => typeof value === 'string')
      .slice(0, MAX_VECTORS)
      .map((text) => `\x01${text}`),
  ],
  jwe: () => [
    ...Array.from({ length: 20 }, (_, key) => Buffer.of(2 * key + 1, key, 40 * key, 1 << key % 8, ...Buffer.alloc(key * 8, key))),
    ...vectors()
      .filter((value) => typeof value === 'string')
      .filter((text) => text.split('.').length === 5)
      .slice(0, MAX_VECTORS)
      .map((text) => `\0${text}`),
  ],
  jwks: () => [...ownSets(), ...vectors().filter((value) => typeof value === 'object').slice(0, MAX_VECTORS).map((key) => setOf([key]))],
  keys: () => [...ownKeys(), ...vectorKeys(), ...disguises()],
};

/**
 * Writes a target's seeds, and the words that its inputs are made of, in place of what was there.
 *
 * @param {string} target
 * @param {string} folder
 * @returns {{ folder: string, dictionary: string }}
 */
export function writeSeeds(target, folder) {
  const inputs = join(folder, 'inputs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(inputs, { recursive: true });
  for (const [index, seed] of (SEEDS[target]?.() ?? []).entries()) writeFileSync(join(inputs, String(index)), seed);
  const dictionary = join(folder, 'words.dict');
  writeFileSync(dictionary, WORDS.map((word) => `"${word}"\n"\\"${word}\\""\n`).join(''));
  return { folder: inputs, dictionary };
}

/**
 * @param {string} header
 * @param {string} claims
 */
function token(header, claims) {
  const input = [header, claims].map((text) => Buffer.from(text).toString('base64url')).join('.');
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
}

function newPairs() {
  return [
    generateKeyPairSync('ed25519'),
    ...['P-256', 'P-384', 'P-521'].map((namedCurve) => generateKeyPairSync('ec', { namedCurve })),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ];
}

/** Sets of one key and of all, with and without names, one of them of a name twice. */
function ownSets() {
  const keys = newPairs().map(({ publicKey }) => publicKey.export({ format: 'jwk' }));
  const named = keys.map((key, index) => ({ ...key, kid: `k${String(index)}`, use: 'sig' }));
  const twice = keys.map((key) => ({ ...key, kid: 'k' }));
  return [...keys.map((key) => setOf([key])), setOf(keys), setOf(named), setOf(twice), setOf([...named, ...named])];
}

/** @param {readonly object[]} keys */
function setOf(keys) {
  return JSON.stringify({ keys });
}

/** New keys of each kind, for each algorithm, since the target says which one a key is for. */
function ownKeys() {
  return newPairs().flatMap(({ privateKey, publicKey }) => [
    ...forEachAlgorithm(0, JSON.stringify(privateKey.export({ format: 'jwk' }))),
    ...forEachAlgorithm(0, JSON.stringify(publicKey.export({ format: 'jwk' }))),
    ...forEachAlgorithm(1, privateKey.export({ format: 'der', type: 'pkcs8' })),
    ...forEachAlgorithm(2, publicKey.export({ format: 'der', type: 'spki' })),
  ]);
}

function vectorKeys() {
  const keys = vectors().filter((value) => typeof value === 'object');
  return keys.slice(0, MAX_VECTORS).map((key, index) => input(0, index % ALGORITHMS, JSON.stringify(key)));
}

function disguises() {
  const secrets = ['', 'x'.repeat(32), 'x'.repeat(64), SECRET.repeat(2)].map((text) => input(3, 0, text));
  return [...secrets, ...[0, 1, 2, 3, 4].map((dress) => input(4, 0, `${String.fromCharCode(dress)}# key \0 end`))];
}

/**
 * @param {number} kind
 * @param {Buffer | string} content
 */
function forEachAlgorithm(kind, content) {
  return Array.from({ length: ALGORITHMS }, (_, algorithm) => input(kind, algorithm, content));
}

/**
 * An input of the target `keys`: its first byte says what it is and for which algorithm.
 *
 * @param {number} kind
 * @param {number} algorithm
 * @param {Buffer | string} content
 */
function input(kind, algorithm, content) {
  return Buffer.concat([Buffer.of(kind + 5 * algorithm), Buffer.from(content)]);
}

/** @returns {readonly (string | object)[]} Every compact token and every JWK of the vectors, once. */
function vectors() {
  const root = resolve(process.env['KEYTURN_VECTORS'] ?? atRoot('../shared/vectors'));
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  const found = files.flatMap((file) => [...seedsIn(JSON.parse(readFileSync(join(root, file), 'utf8')))]);
  const seeds = new Map(found.map((value) => [JSON.stringify(value), value]));
  return [...seeds.values()];
}

/**
 * @param {unknown} value
 * @returns {Generator<string | object, void>}
 */
function* seedsIn(value) {
  if (typeof value === 'string' && /^[^.]+(\.[^.]*){2,4}$/.test(value)) yield value;
  if (typeof value !== 'object' || value === null) return;
  if ('kty' in value) yield value;
  for (const inner of Object.values(value)) yield* seedsIn(inner);
}
