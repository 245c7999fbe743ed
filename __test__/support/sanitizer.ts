/**
 * What `npm run asan` gives to a process that loads the addon: the sanitizer's runtime, which comes before everything else
 * in a process, its options, and the addon that was built with it.
 */
const NAMES = ['ASAN_OPTIONS', 'LD_PRELOAD', 'NAPI_RS_NATIVE_LIBRARY_PATH'];

/** For a Node that gets nothing else of our environment. Empty in an ordinary run. */
export const sanitizer: NodeJS.ProcessEnv = Object.fromEntries(NAMES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

/** Why tests that measure memory are skipped, if they are. */
export const skipUnderSanitizer: false | string = process.env['ASAN_OPTIONS'] === undefined ? false : 'measures memory, and AddressSanitizer keeps what was freed';

/** Our environment for a program that is not Node, and brings an allocator of its own. */
export function withoutSanitizer(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !NAMES.includes(name)));
}
