/** How much a {@link Limiter} lets through. */
export interface LimiterOptions {
  /** How many at once, and in each window thereafter. */
  readonly limit: number;
  readonly windowMs: number;
  /** The bound on remembered keys. */
  readonly maxKeys: number;
}

/** Counts takes by key (GCRA). Time is an argument. */
export interface Limiter {
  /** 0 if this one may pass, which also counts it; otherwise the milliseconds until one may, and nothing is counted. */
  take(key: string, now: number): number;
}
