/**
 * Why this exists: a missing or old compiler shows itself minutes into a build, as an error about something else. These
 * checks cost milliseconds, come first, and say what to install.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { atRoot } from '../source/files.mjs';

/** A tool is missing or too old. The message holds the fix; there is no use in a stack. */
export class ToolchainError extends Error {}

/** @typedef {{ readonly host: string }} RustToolchain `host` is the target triple of this machine. */

/** Throws {@link ToolchainError} unless this Node is one that package.json allows and `npm ci` has run. */
export function requireNode() {
  const wanted = /"node": ">=([\d.]+)"/.exec(readFileSync(atRoot('package.json'), 'utf8'))?.[1] ?? '0';
  if (isOlder(process.versions.node, wanted)) {
    throw new ToolchainError(
      `Node.js ${process.versions.node} is too old: keyturn needs ${wanted} or newer. Install it from https://nodejs.org`,
    );
  }
  if (!existsSync(atRoot('node_modules/typescript'))) {
    throw new ToolchainError('The build tools are not installed. Run `npm ci` first.');
  }
}

/**
 * Throws {@link ToolchainError} unless cargo, a rustc as new as Cargo.toml wants, and a C compiler are here.
 *
 * @returns {RustToolchain}
 */
export function requireRust() {
  const wanted = /^rust-version = "([\d.]+)"/m.exec(readFileSync(atRoot('Cargo.toml'), 'utf8'))?.[1] ?? '0';
  if (outputOf('cargo', ['--version']) === undefined) {
    throw new ToolchainError(
      `cargo was not found: keyturn's core is Rust ${wanted} or newer. Install it from https://rustup.rs, then open a new shell.`,
    );
  }
  const rustc = outputOf('rustc', ['--version', '--verbose']);
  const release = /^release: ([\d.]+)/m.exec(rustc ?? '')?.[1];
  const host = /^host: (\S+)/m.exec(rustc ?? '')?.[1];
  if (release === undefined || host === undefined) {
    throw new ToolchainError(`rustc was not found beside cargo. Install Rust ${wanted} or newer from https://rustup.rs`);
  }
  if (isOlder(release, wanted)) {
    throw new ToolchainError(`Rust ${release} is too old: keyturn needs ${wanted} or newer. Run \`rustup update stable\`.`);
  }
  requireCCompiler();
  return { host };
}

/**
 * Throws {@link ToolchainError} unless cargo has the subcommand.
 *
 * @param {'clippy' | 'fmt'} subcommand
 */
export function requireCargoSubcommand(subcommand) {
  if (outputOf('cargo', [subcommand, '--version']) !== undefined) return;
  const component = subcommand === 'fmt' ? 'rustfmt' : subcommand;
  throw new ToolchainError(`cargo ${subcommand} was not found. Run \`rustup component add ${component}\`.`);
}

/** The crypto libraries and SQLite are C and are compiled from source. */
function requireCCompiler() {
  if (process.platform === 'win32' || process.env['CC'] !== undefined) return;
  if (['cc', 'gcc', 'clang'].some((compiler) => outputOf(compiler, ['--version']) !== undefined)) return;
  throw new ToolchainError(
    'No C compiler was found. Install one: `apt-get install build-essential` (Debian, Ubuntu), `xcode-select --install` (macOS).',
  );
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {string | undefined} undefined if it cannot be run or fails.
 */
function outputOf(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout : undefined;
}

/**
 * @param {string} version
 * @param {string} wanted
 */
function isOlder(version, wanted) {
  return version.localeCompare(wanted, 'en', { numeric: true }) < 0;
}
