const STOP_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/**
 * Resolves at the first signal to stop. Later ones mean the same and change nothing: on Ctrl-C the terminal and npm each send
 * one.
 */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) process.on(signal, () => resolve());
  });
}
