import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Tests run in test-build/FOLDER, which lies as deep as their sources. */
export const PROJECT = join(__dirname, '../..');

/** The text of a file of the project, by its path from the root. */
export function projectText(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** The lines below a heading of level two, up to the next one; none if there is no such heading. */
export function sectionOf(document: string, heading: string): readonly string[] {
  const lines = document.split('\n');
  const start = lines.indexOf(`## ${heading}`);
  if (start === -1) return [];
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('## '));
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length);
}
