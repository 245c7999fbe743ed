import type { RemoteSource } from '../source.js';

/** The two faces of a verification. */
export interface Faces<A extends unknown[], T> {
  readonly now: (...given: A) => T;
  readonly later: (...given: A) => Promise<T>;
}

/** The same verification over keys that are fetched: `now` begins to fetch where that may help, `later` waits for it. */
export function followRemote<A extends unknown[], T>(remote: RemoteSource, { now, later }: Faces<A, T>): Faces<A, T> {
  return {
    now: (...given) => beginFetching(remote, () => now(...given)),
    later: async (...given) => {
      const areNew = await remote.arrive();
      try {
        return await later(...given);
      } catch (error) {
        // What was fetched for this very call is not fetched twice.
        if (areNew || !(await remote.learn(error))) throw error;
      }
      return later(...given);
    },
  };
}

/** A verification that cannot wait: it begins to fetch where that may help. */
export function beginFetching<T>(remote: RemoteSource, verify: () => T): T {
  remote.touch();
  try {
    return verify();
  } catch (error) {
    throw remote.explain(error);
  }
}
