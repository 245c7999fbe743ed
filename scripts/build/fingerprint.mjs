/**
 * Why this exists: asking cargo whether the addon is fresh starts three processes; hashing the few hundred files that it
 * is made of takes some milliseconds, and also notices an output that was edited or lost.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import { atRoot, filesBelow, ROOT } from '../source/files.mjs';

/** Variables that change what cargo makes. */
const BUILD_VARIABLES = /^(CARGO_(BUILD|ENCODED|PROFILE|TARGET)_\w+|RUSTFLAGS|RUSTUP_TOOLCHAIN)$/;

/** The files that the addon is made of, relative to the root. */
const ADDON_SOURCES = [
  'Cargo.lock',
  'Cargo.toml',
  'build.rs',
  'package.json',
  'rust-toolchain.toml',
  '.cargo/config.toml',
  'node_modules/@napi-rs/cli/package.json',
];

/**
 * A hash of everything that the addon is made of: sources, manifests, the binding generator and the build variables.
 *
 * @returns {string}
 */
export function addonFingerprint() {
  const hash = createHash('sha256');
  for (const path of [...ADDON_SOURCES, ...filesBelow(ROOT, 'src'), ...filesBelow(ROOT, 'crates').filter(isCrateSource)]) {
    hash.update(`${path}\0${fileHash(atRoot(path)) ?? 'absent'}\0`);
  }
  for (const name of Object.keys(process.env).sort()) {
    if (BUILD_VARIABLES.test(name)) hash.update(`${name}=${process.env[name] ?? ''}\0`);
  }
  return hash.digest('hex');
}

/**
 * The hash of a file's bytes, or undefined if there is no such file.
 *
 * @param {string} path
 * @returns {string | undefined}
 */
export function fileHash(path) {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : undefined;
}

/**
 * Tests and benches of a crate are no part of the addon.
 *
 * @param {string} path
 */
function isCrateSource(path) {
  return !/^crates\/[^/]+\/(tests|benches|examples)\//.test(path);
}
