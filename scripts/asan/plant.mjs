/**
 * Why this exists: a sanitizer that is not at work reports nothing, exactly like one that finds nothing. Two mistakes are
 * planted, each in an addon of a few lines that is compiled with the same flags and loaded by the same Node in the same
 * way as the real one, and each has to be reported.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ToolchainError } from '../build/toolchain.mjs';
import { C_FLAGS, RUST_FLAGS } from './addon.mjs';

/** Node calls it as it loads the addon. */
const ENTRY = 'napi_register_module_v1';

/**
 * @typedef {object} Plant
 * @property {string} name
 * @property {string} file
 * @property {string} source
 * @property {string} report What the sanitizer calls it.
 * @property {(source: string, addon: string, host: string) => readonly string[][]} commands
 */

/** @type {readonly Plant[]} */
const PLANTS = [
  {
    name: 'Rust that reads what it has freed',
    file: 'plant.rs',
    source: `#[unsafe(no_mangle)]
pub extern "C" fn ${ENTRY}(_: usize, exports: usize) -> usize {
    let freed = std::hint::black_box(Box::into_raw(Box::new(exports)));
    drop(unsafe { Box::from_raw(freed) });
    unsafe { freed.read_volatile() }
}
`,
    report: 'heap-use-after-free',
    commands: (source, addon, host) => [
      ['rustc', '--edition', '2024', '--crate-type', 'cdylib', '--target', host, ...RUST_FLAGS, '-o', addon, source],
    ],
  },
  {
    name: 'C that writes one byte too far',
    file: 'plant.c',
    source: `#include <stdlib.h>
void *${ENTRY}(void *env, void *exports) {
  volatile size_t size = 24;
  volatile char *bytes = malloc(size);
  bytes[size] = 1;
  return exports;
}
`,
    report: 'heap-buffer-overflow',
    commands: (source, addon) => {
      const compiler = process.env['CC'] ?? 'cc';
      // Linked without the flag, as rustc does: the compiler would add a second runtime, its own.
      return [
        [compiler, ...C_FLAGS, '-fPIC', '-c', '-o', `${addon}.o`, source],
        [compiler, '-shared', '-o', addon, `${addon}.o`],
      ];
    },
  },
];

/**
 * Throws {@link ToolchainError} unless every planted mistake is reported.
 *
 * @param {string} host
 * @param {string} folder
 * @param {string} runtime
 */
export function provePlants(host, folder, runtime) {
  mkdirSync(join(folder, 'plants'), { recursive: true });
  for (const plant of PLANTS) prove(plant, host, join(folder, 'plants', plant.file), runtime);
}

/**
 * @param {Plant} plant
 * @param {string} host
 * @param {string} source
 * @param {string} runtime
 */
function prove(plant, host, source, runtime) {
  const addon = `${source}.node`;
  writeFileSync(source, plant.source);
  for (const [command = '', ...args] of plant.commands(source, addon, host)) {
    const { status, stderr } = output(command, args, { RUSTC_BOOTSTRAP: '1' });
    if (status !== 0) throw new ToolchainError(`${command} does not compile with AddressSanitizer:\n${stderr}`);
  }
  const loading = `process.dlopen({ exports: {} }, ${JSON.stringify(addon)})`;
  const { stderr } = output(process.execPath, ['-e', loading], { LD_PRELOAD: runtime, ASAN_OPTIONS: 'detect_leaks=0' });
  if (!stderr.includes(`AddressSanitizer: ${plant.report}`)) {
    throw new ToolchainError(`AddressSanitizer does not work here: ${plant.name} was not reported.\n${stderr}`);
  }
  console.log(`planted and reported: ${plant.name} (${plant.report})`);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env Added to ours.
 */
function output(command, args, env) {
  return spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
}
