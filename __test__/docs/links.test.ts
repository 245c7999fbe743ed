import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, it } from 'node:test';

import { PROJECT, projectText } from '../support/documents.js';

const DOCUMENTS = [...documentsIn('.'), ...documentsIn('docs')];

describe('the documents', () => {
  for (const path of DOCUMENTS) {
    it(`${path} links to files and headings that exist`, () => {
      for (const link of linksOf(projectText(path))) {
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? path : posix.normalize(posix.join(dirname(path), file));
        assert.ok(existsSync(join(PROJECT, target)), `${link}: there is no ${target}`);
        if (anchor !== undefined) assert.ok(anchorsOf(projectText(target)).has(anchor), `${link}: ${target} has no such heading`);
      }
    });
  }
});

function documentsIn(folder: string): string[] {
  const names = readdirSync(join(PROJECT, folder)).filter((name) => name.endsWith('.md'));
  return names.map((name) => posix.join(folder, name));
}

/** The targets of inline links, without those to other hosts. */
function linksOf(text: string): string[] {
  const targets = Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors that hosts of repositories give to headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = Array.from(withoutCode(text).matchAll(/^#+ (.+)$/gm), ([, heading = '']) => heading);
  return new Set(headings.map((heading) => heading.toLowerCase().replaceAll(/[^a-z0-9 _-]/g, '').replaceAll(' ', '-')));
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```/gm, '');
}
