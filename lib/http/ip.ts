import { isIPv4, isIPv6 } from 'node:net';

/** An IP address as the network knows it: an IPv4-mapped IPv6 address (`::ffff:1.2.3.4`) is the IPv4 address. */
export type IpAddress =
  | { readonly family: 'ipv4'; readonly text: string }
  | { readonly family: 'ipv6'; readonly text: string; readonly groups: readonly number[] };

/** Reads an address without zone, port or brackets; `undefined` for anything else. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > 45) return undefined;
  if (isIPv4(text)) return { family: 'ipv4', text };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const groups = expand(text);
  const [high = 0, low = 0] = groups.slice(6);
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return { family: 'ipv4', text: `${String(high >> 8)}.${String(high & 255)}.${String(low >> 8)}.${String(low & 255)}` };
  }
  return { family: 'ipv6', text, groups };
}

/**
 * The address as a limiter counts it: IPv4 whole, IPv6 by its /56, since one customer is handed at least that much.
 * Without the unmapping of {@link parseIp} all IPv4 clients of a dual-stack socket would share one /56 (CVE-2026-30827).
 */
export function limiterKeyOf(address: IpAddress | undefined): string {
  if (address === undefined) return 'unknown';
  return address.family === 'ipv4' ? address.text : prefixOf(address);
}

/** The address as events carry it: cut to /24 (IPv4) or /56 (IPv6). */
export function addressPrefixOf(address: IpAddress | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.family === 'ipv4' ? `${address.text.slice(0, address.text.lastIndexOf('.'))}.0/24` : prefixOf(address);
}

function prefixOf({ groups }: { readonly groups: readonly number[] }): string {
  const [a = 0, b = 0, c = 0, d = 0] = groups;
  return `${[a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':')}::/56`;
}

/** The eight groups of an address that `isIPv6` has accepted. */
function expand(text: string): number[] {
  const lastColon = text.lastIndexOf(':');
  const tail = text.slice(lastColon + 1);
  const hex = tail.includes('.') ? `${text.slice(0, lastColon + 1)}${dottedToHex(tail)}` : text;
  const [before = '', after] = hex.split('::');
  const left = groupsOf(before);
  const right = after === undefined ? [] : groupsOf(after);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function dottedToHex(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
