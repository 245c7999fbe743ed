/**
 * Why this exists: a rule about Rust code must not be tripped by a comment or a string that names the forbidden thing,
 * nor by a test, and must not be dodged by a grouped `use`.
 */

/** A comment, a string, a raw string, a byte string or a character; a lifetime such as 'a is none of them. */
const NOT_CODE =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|b?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\])'/g;

/** What starts a module of tests. */
const TEST_MODULE = /#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+\w+\s*\{/g;

/**
 * The same text with comments and literals blanked out; lines and columns stay.
 *
 * @param {string} text
 */
export function codeOf(text) {
  return text.replace(NOT_CODE, blank);
}

/**
 * Code, as {@link codeOf} gives it, with inline test modules blanked out as well.
 *
 * @param {string} code
 */
export function withoutTests(code) {
  let result = code;
  for (const { index, 0: opening } of code.matchAll(TEST_MODULE)) {
    const end = closingBrace(code, index + opening.length);
    result = result.slice(0, index) + blank(result.slice(index, end)) + result.slice(end);
  }
  return result;
}

/**
 * Every path that code names with `::`, one to a line number, grouped imports spread out: `use std::{fs, net::TcpStream}`
 * gives `std::fs` and `std::net::TcpStream`.
 *
 * @param {string} code
 * @returns {{ readonly path: string, readonly line: number }[]}
 */
export function pathsIn(code) {
  const paths = [];
  for (const { index, 0: tree } of code.matchAll(/\b[\w:]+::(?:\s*\{[^;]*\}|[\w:]+)/g)) {
    const line = lineAt(code, index);
    for (const path of spread(tree.replace(/\s+/g, ' '))) paths.push({ path, line });
  }
  return paths;
}

/**
 * @param {string} text
 * @param {number} index
 */
export function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}

/**
 * @param {string} tree A `use` tree, such as `std::{fs, net::{A, B}}`.
 * @returns {string[]}
 */
function spread(tree) {
  const open = tree.indexOf('{');
  if (open === -1) return [tree.replace(/ as .*/, '').trim()];
  const prefix = tree.slice(0, open).replace(/ /g, '');
  const inner = tree.slice(open + 1, tree.lastIndexOf('}'));
  return splitAtTop(inner).flatMap((branch) => spread(branch).map((path) => prefix + path));
}

/**
 * Splits at the commas that stand in no inner brace.
 *
 * @param {string} text
 */
function splitAtTop(text) {
  const branches = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (character === ',' && depth === 0) branches.push('');
    else branches.push((branches.pop() ?? '') + character);
  }
  return branches.map((branch) => branch.trim()).filter((branch) => branch !== '');
}

/**
 * @param {string} code
 * @param {number} from Just after the opening brace.
 */
function closingBrace(code, from) {
  let depth = 1;
  for (let index = from; index < code.length; index += 1) {
    if (code[index] === '{') depth += 1;
    if (code[index] === '}') depth -= 1;
    if (depth === 0) return index + 1;
  }
  return code.length;
}

/** @param {string} text */
function blank(text) {
  return text.replace(/[^\n]/g, ' ');
}
