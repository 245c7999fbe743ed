// What the benchmarks call of a package that brings no types.
declare module 'better-sqlite3' {
  export interface Statement {
    run(...values: unknown[]): unknown;
    get(...values: unknown[]): unknown;
  }
  export interface Transaction<A extends unknown[]> {
    (...values: A): void;
    immediate(...values: A): void;
  }
  class Database {
    constructor(path: string);
    pragma(text: string): unknown;
    exec(text: string): this;
    prepare(text: string): Statement;
    transaction<A extends unknown[]>(run: (...values: A) => void): Transaction<A>;
    close(): void;
  }
  export { Database as default };
}
