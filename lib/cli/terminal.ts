/** What a command has of the world around it, so that a test can be that world. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a command ends with: all is well; it found something wrong; it could not do what it was asked. */
export const EXIT = { fine: 0, problems: 1, failed: 2 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One command. */
export interface Command {
  /** Its help, with a line break at the end. */
  readonly help: string;
  /** @throws UsageError if the arguments make no sense. */
  readonly run: (args: readonly string[], terminal: Terminal) => Promise<ExitCode>;
}

/** Arguments that make no sense; the message says what would, and repeats nothing that could hold a password. */
export class UsageError extends Error {}
