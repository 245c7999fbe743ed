/**
 * Why this exists: what is instrumented has to be compiled anew, C and Rust alike, and must not replace what the other
 * commands have built: a folder, a profile and an addon of its own.
 */
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../run.mjs';
import { atRoot } from '../source/files.mjs';

/** Frame pointers, since the runtime notes by them who allocated and who freed. */
export const RUST_FLAGS = ['-Zsanitizer=address', '-Cforce-frame-pointers=yes'];
export const C_FLAGS = ['-fsanitize=address', '-fno-omit-frame-pointer'];

/**
 * SQLite is one file of a quarter million lines: checked on every access, optimised in full and with notes for a debugger,
 * gcc takes four times as long over it.
 */
const SQLITE = ['opt-level=1', 'debug=false'].flatMap((setting) => ['--config', `profile.release.package.libsqlite3-sys.${setting}`]);

/**
 * What every cargo command that builds with {@link flagsFor} takes.
 *
 * @param {string} host
 * @param {string} folder Where cargo builds.
 */
export function cargoOptions(host, folder) {
  return ['--release', '--locked', '--target', host, '--target-dir', folder, ...SQLITE];
}

/**
 * The environment that makes cargo build for the host with the sanitizer. Build scripts and macros stay as they are,
 * because cargo is given a target.
 *
 * A release without link-time optimisation and stripping, with debug assertions: those of the standard library check
 * what `unsafe` code promises it.
 *
 * @param {string} host
 * @returns {Record<string, string>}
 */
export function flagsFor(host) {
  const flags = `CFLAGS_${host.replaceAll('-', '_')}`;
  return {
    RUSTC_BOOTSTRAP: '1',
    CARGO_ENCODED_RUSTFLAGS: RUST_FLAGS.join('\x1f'),
    [flags]: [process.env[flags] ?? process.env['CFLAGS'] ?? '', ...C_FLAGS].join(' ').trim(),
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
    CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
    CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS: 'true',
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_STRIP: 'none',
  };
}

/**
 * @param {string} host
 * @param {string} folder Where cargo builds.
 * @returns {Promise<string | undefined>} The addon's path, or undefined if it could not be built.
 */
export async function buildSanitized(host, folder) {
  const args = ['build', '--manifest-path', atRoot('Cargo.toml'), '--lib', ...cargoOptions(host, folder)];
  if ((await run('cargo', args, { env: flagsFor(host) })) !== 0) return undefined;
  const addon = join(folder, 'keyturn.node');
  // In one step: a test that still runs keeps what it has mapped.
  copyFileSync(join(folder, host, 'release', 'libkeyturn.so'), `${addon}.new`);
  renameSync(`${addon}.new`, addon);
  return addon;
}
