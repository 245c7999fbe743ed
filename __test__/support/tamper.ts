/** A token that somebody changed, and how. */
export interface Tampered {
  readonly how: string;
  readonly token: string;
}

const NAMES = ['header', 'payload', 'signature'] as const;

/** One of each class of characters of a token, and what base64 has and base64url has not. */
const CLASSES = ['A', 'q', '7', '-', '_', '.'];

/** Changes that leave other bytes behind: whoever accepts one of these does not check the signature. */
export function tampered(token: string): readonly Tampered[] {
  const original = decoded(token);
  const all = [...flippedBytes(token), ...replacedCharacters(token), ...movedSegments(token)];
  return all.filter((one) => decoded(one.token) !== original);
}

/**
 * Other texts for the same bytes, which a lax reader takes (RFC 4648, section 3.5): with these a token could be shown again
 * under another spelling.
 */
export function respelled(token: string): readonly Tampered[] {
  const segments = token.split('.');
  const variants = segments.flatMap((segment, index) => {
    const name = NAMES[index] ?? 'segment';
    const put = (how: string, text: string): Tampered => ({ how: `${how} in the ${name}`, token: segments.with(index, text).join('.') });
    const middle = segment.length >> 1;
    return [
      put('padding', segment.padEnd(Math.ceil((segment.length + 1) / 4) * 4, '=')),
      put('one equals sign', `${segment}=`),
      ...[' ', '\n', '\r\n', '\t', '\0', '\u00a0', '\ufeff', '?', '#', '%20'].flatMap((junk) => [
        put(`${JSON.stringify(junk)} before`, junk + segment),
        put(`${JSON.stringify(junk)} inside`, segment.slice(0, middle) + junk + segment.slice(middle)),
        put(`${JSON.stringify(junk)} behind`, segment + junk),
      ]),
      ...(segment.includes('-') ? [put('+ for -', segment.replaceAll('-', '+'))] : []),
      ...(segment.includes('_') ? [put('/ for _', segment.replaceAll('_', '/'))] : []),
      ...withUnusedBits(segment).map((text) => put('unused bits', text)),
    ];
  });
  return variants.filter((one) => one.token !== token);
}

/** The segment with every other value of the bits that no byte uses; none if it fills whole bytes. */
export function withUnusedBits(segment: string): readonly string[] {
  const bytes = Buffer.from(segment, 'base64url');
  return Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
    .map((last) => segment.slice(0, -1) + last)
    .filter((text) => text !== segment && Buffer.from(text, 'base64url').equals(bytes));
}

function flippedBytes(token: string): Tampered[] {
  const segments = token.split('.');
  return segments.flatMap((segment, index) => {
    const bytes = Buffer.from(segment, 'base64url');
    return Array.from(bytes, (byte, at) => {
      const flipped = Buffer.from(bytes);
      flipped[at] = byte ^ (1 << at % 8);
      return { how: `bit ${at % 8} of byte ${at} of the ${NAMES[index] ?? ''}`, token: segments.with(index, flipped.toString('base64url')).join('.') };
    });
  });
}

function replacedCharacters(token: string): Tampered[] {
  return Array.from(token, (character, at) => [
    { how: `character ${at} left out`, token: token.slice(0, at) + token.slice(at + 1) },
    ...CLASSES.filter((one) => one !== character).map((one) => ({
      how: `${one} for ${character} at ${at}`,
      token: token.slice(0, at) + one + token.slice(at + 1),
    })),
  ]).flat();
}

function movedSegments(token: string): Tampered[] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const of = (how: string, ...segments: string[]): Tampered => ({ how, token: segments.join('.') });
  return [
    of('no header', '', payload, signature),
    of('no payload', header, '', signature),
    of('no signature', header, payload, ''),
    of('no third segment', header, payload),
    of('the header alone', header),
    of('nothing', ''),
    of('dots alone', '', '', ''),
    of('a fourth segment', header, payload, signature, signature),
    of('a fourth segment that is empty', header, payload, signature, ''),
    of('five segments, as a JWE has', header, '', payload, signature, signature),
    of('header and payload changed over', payload, header, signature),
    of('the payload twice', payload, payload, signature),
    of('the signature for a payload', header, signature, signature),
    of('half of the signature', header, payload, signature.slice(0, signature.length >> 1)),
    of('the signature twice', header, payload, signature + signature),
    of('everything in upper case', token.toUpperCase()),
  ];
}

/** What a lax reader makes of the first three segments. */
function decoded(token: string): string {
  return token.split('.').map((segment) => Buffer.from(segment, 'base64url').toString('hex')).join('.');
}
