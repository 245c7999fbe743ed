/**
 * The one place that imports the addon. Everything else in the package imports it from here, so that the direction of
 * imports can be checked and the load error can say what to do.
 */
import type * as Binding from '../native/index.js';

function load(): typeof Binding {
  try {
    // A require and not an import, so that a failure can be caught and explained.
    return require('../native/index.js') as typeof Binding;
  } catch (cause) {
    const where = `${process.platform}-${process.arch}, Node ${process.version}`;
    throw new Error(
      `keyturn's native addon could not be loaded (${where}). In a checkout run "npm run build", which needs Rust; ` +
        'an installed package has no binary for this platform if there is no file native/*.node. The cause says more.',
      { cause },
    );
  }
}

export const native = load();

export type {
  DoneAnswer,
  EndedAnswer,
  ExaminationAnswer,
  NativeContents,
  NativeEncryptionKey,
  NativeExamination,
  NativeFailure,
  NativeInbox,
  NativeKey,
  NativeKeyFacts,
  NativeKeyRing,
  NativeKeySet,
  NativePair,
  NativePooledSigner,
  NativePooledVerifier,
  NativeRefresh,
  NativeRenewal,
  NativeSession,
  NativeSessions,
  NativeStoredLate,
  NativeTimetable,
  PairAnswer,
} from '../native/index.js';
