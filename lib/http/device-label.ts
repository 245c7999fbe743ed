/** Nothing of interest stands further right, and the patterns stay cheap. */
const MAX_USER_AGENT_LENGTH = 512;

/** In this order: almost every browser also claims to be the ones below it. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|Opera|OPiOS)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|HeadlessChrome|Chromium|CriOS)\//],
  ['Safari', /\bVersion\/[\d.]+ .*\bSafari\//],
];

const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b|\bMacintosh\b/],
  ['Linux', /\bLinux\b|\bX11\b/],
];

/**
 * A label by which a user knows a session again: `Chrome on Linux`, `Safari on iPhone`, `curl`. Made of the words above, or of
 * the product name that other clients begin with (at most 32 letters, digits, dots and dashes); `undefined` if neither is
 * there. It says what the client claims and is never used to decide anything.
 */
export function deviceLabel(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined) return undefined;
  const text = userAgent.slice(0, MAX_USER_AGENT_LENGTH);
  const browser = firstMatch(BROWSERS, text);
  const system = firstMatch(SYSTEMS, text);
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`;
  const product = /^([A-Za-z][A-Za-z0-9._-]{0,31})(?:[/ ]|$)/.exec(text)?.[1];
  if (product !== undefined && product !== 'Mozilla') return product;
  return system;
}

function firstMatch(table: typeof BROWSERS, text: string): string | undefined {
  return table.find(([, pattern]) => pattern.test(text))?.[0];
}
