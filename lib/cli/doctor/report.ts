import type { NativeExamination } from '../../native.js';
import { printable } from '../printable.js';
import { EXIT, type ExitCode } from '../terminal.js';
import type { Finding, Status } from './finding.js';
import type { Place } from './place.js';

/** All that was found about one file. */
export interface Report {
  /** Of keyturn. */
  readonly version: string;
  readonly file: string;
  /** When, in Unix milliseconds. */
  readonly now: number;
  /** Whether the database could be read at all. */
  readonly isExamined: boolean;
  readonly findings: readonly Finding[];
  readonly place: Place;
  readonly examination?: NativeExamination | undefined;
}

export function exitCodeOf({ isExamined, findings }: Report): ExitCode {
  if (!isExamined) return EXIT.failed;
  return findings.some(({ status }) => status === 'problem') ? EXIT.problems : EXIT.fine;
}

/** One line a finding, the fix behind an arrow, and a line that counts them. */
export function asText(report: Report): string {
  const lines = report.findings.map(({ check, status, text, fix }) => {
    const whole = fix === undefined ? text : `${text} -> ${fix}`;
    return `${status.padEnd(9)}${check.padEnd(13)}${whole}\n`;
  });
  const verdict = report.isExamined ? '' : 'The file could not be examined. ';
  const [problems, warnings] = [count(report, 'problem'), count(report, 'warning')];
  return `${printable(report.file)}\n\n${lines.join('')}\n${verdict}${problems}, ${warnings}\n`;
}

function count({ findings }: Report, status: Status): string {
  const found = findings.filter((finding) => finding.status === status).length;
  return `${String(found)} ${status}${found === 1 ? '' : 's'}`;
}

/** The same for machines, with the numbers behind it. Names and meanings stay within a major version; more may come. */
export function asJson(report: Report): string {
  const { version, file, now, isExamined, findings, place, examination } = report;
  const document = {
    keyturn: version,
    file,
    examinedAt: now,
    exitCode: exitCodeOf(report),
    examined: isExamined,
    findings,
    facts: {
      bytes: place.file.size,
      logBytes: place.log?.size ?? 0,
      freeBytes: place.freeBytes ?? null,
      fileSystem: place.fileSystem?.name ?? null,
      database: examination === undefined ? null : databaseOf(examination),
      sessions: examination?.contents?.sessions ?? null,
      revocations: examination?.contents?.revocations ?? null,
      latestAt: examination?.contents?.latest ?? null,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function databaseOf({ pageBytes, pages, freePages, writeAhead, version, knownVersion, missing, damage }: NativeExamination): object {
  return {
    pageBytes, pages, freePages, writeAhead, version: version ?? null, knownVersion, missing, damage: damage.map(printable),
  };
}
