// The type entry of `keyturn`. What is public is decided by the named exports of lib/index.ts, and only there.
export * from './dist/index.js';
