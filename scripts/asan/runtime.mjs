/**
 * Why this exists: the sanitizer's runtime replaces malloc and free of the whole process, so it must come before the C
 * library; an addon comes long after it. rustc brings the runtime that fits its code as an archive, to be linked into
 * programs. Here it becomes a shared library that the loader puts first into an ordinary Node (LD_PRELOAD).
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { ToolchainError } from '../build/toolchain.mjs';

/** Starts the runtime before anything else of a program, which a shared library may not; the first malloc starts it here. */
const OF_PROGRAMS_ALONE = 'asan_preinit.cpp.o';

/**
 * @param {string} host
 * @param {string} folder
 * @returns {string} The shared library's path.
 */
export function buildRuntime(host, folder) {
  if (process.platform !== 'linux' || !host.endsWith('-gnu')) {
    throw new ToolchainError(`AddressSanitizer over the addon runs on Linux with glibc, not on ${host}.`);
  }
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'runtime.a');
  const library = join(folder, 'runtime.so');
  copyFileSync(archiveOfToolchain(host), archive);
  tool('ar', ['d', archive, OF_PROGRAMS_ALONE]);
  const whole = ['-Wl,--whole-archive', archive, '-Wl,--no-whole-archive'];
  tool(process.env['CC'] ?? 'cc', ['-shared', '-o', `${library}.new`, '-Wl,-z,defs', ...whole, '-lpthread', '-ldl', '-lm', '-lrt']);
  renameSync(`${library}.new`, library);
  return library;
}

/** @param {string} host */
function archiveOfToolchain(host) {
  const folder = tool('rustc', ['--print', 'target-libdir', '--target', host]).trim();
  const name = readdirSync(folder).find((file) => /^librustc.*_rt\.asan\.a$/.test(file));
  if (name !== undefined) return join(folder, name);
  throw new ToolchainError(
    `This Rust brings no AddressSanitizer (no librustc-*_rt.asan.a in ${folder}). The toolchains of https://rustup.rs do; ` +
      'a distribution may leave it out.',
  );
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {string} What it printed.
 */
function tool(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new ToolchainError(
    `${command} could not make the sanitizer's runtime (${error?.message ?? stderr.trim()}). It needs a C compiler and ` +
      'binutils: `apt-get install build-essential` (Debian, Ubuntu).',
  );
}
