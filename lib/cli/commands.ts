import { nearestName } from '../options/checks.js';
import { printable } from './printable.js';
import { type Command, EXIT, type ExitCode, type Terminal, UsageError } from './terminal.js';
import { version } from './version.js';

interface Entry {
  readonly summary: string;
  /** Loaded when asked for: help needs no addon, and one that cannot be loaded is an error like any other. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  doctor: {
    summary: 'checks the file of a SQLite store, without changing it',
    load: async () => (await import('./doctor/command.js')).DOCTOR,
  },
};

/**
 * Runs the command that the arguments name.
 *
 * @returns The exit code. It never rejects: every failure is told on the terminal.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'something was thrown that is no error';
    const hint = error instanceof UsageError ? '; "keyturn --help" says more' : '';
    terminal.error(`keyturn: ${printable(message)}${hint}\n`);
    return EXIT.failed;
  }
}

async function dispatch([name, ...args]: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (name === undefined) {
    terminal.error(help());
    return EXIT.failed;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.out(help());
    return EXIT.fine;
  }
  if (name === '--version' || name === '-v') {
    terminal.out(`${version()}\n`);
    return EXIT.fine;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw new UsageError(unknown(name));
  const command = await entry.load();
  if (args.includes('--help') || args.includes('-h')) {
    terminal.out(command.help);
    return EXIT.fine;
  }
  return command.run(args, terminal);
}

function unknown(name: string): string {
  const names = Object.keys(COMMANDS);
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? `there is ${names.join(', ')}` : `did you mean '${nearest}'?`;
  return `there is no command '${name.slice(0, 64)}'; ${hint}`;
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return `keyturn ${version()}

Usage: keyturn COMMAND [OPTION...]

${lines.join('\n')}

"keyturn COMMAND --help" explains a command. Exit codes: 0 fine, 1 problems were found, 2 it could not be done.
`;
}
