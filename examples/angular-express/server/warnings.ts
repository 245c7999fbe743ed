/**
 * Prints warnings in a line each, in place of Node's two, and only once the demo runs: if it cannot, the line that says why
 * stands alone.
 */
export function printWarningsOnce(started: Promise<void>): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning: Error & { readonly code?: string }) => {
    const print = (): void => console.error(`keyturn demo: warning ${warning.code ?? warning.name}: ${warning.message}`);
    started.then(print, () => undefined);
  });
}
