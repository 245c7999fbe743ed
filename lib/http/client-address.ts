import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';

import { KeyturnError } from '../errors.js';
import { type IpAddress, parseIp } from './ip.js';

/**
 * Which proxies stand between the client and this process.
 *
 * - `false` (default): none; `X-Forwarded-For` is ignored.
 * - a number: how many; each has added one entry.
 * - a list: their exact addresses or CIDR ranges, for instance `['10.0.0.0/8', '::1']`.
 */
export type TrustProxy = false | number | readonly string[];

/** The address of the client, `undefined` when even the socket does not know one (it is closed, or a Unix socket). */
export type ClientAddressReader = (req: IncomingMessage) => IpAddress | undefined;

const MAX_HOPS = 32;

/**
 * Makes the function that finds a request's client: the right-most address that no trusted proxy has. Entries further left
 * were written by whoever connected to the outermost proxy and prove nothing. If an entry that counts is not an address
 * (`unknown`, a host name, an IPv6 zone), the answer is the socket's address; a port behind an address is cut off.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for `true` (anybody could choose his address) and for what is no number of hops,
 *   address or CIDR range.
 */
export function createClientAddress(trustProxy: TrustProxy = false): ClientAddressReader {
  if (trustProxy === false) return socketAddress;
  const isTrusted = typeof trustProxy === 'number' ? trustHops(trustProxy) : trustList(trustProxy);
  return function clientAddress(req) {
    const socket = socketAddress(req);
    const header = req.headers['x-forwarded-for'];
    if (typeof header !== 'string') return socket;
    let client = socket;
    let end = header.length;
    for (let hop = 0; end > 0 && hop < MAX_HOPS && isTrusted(client, hop); hop += 1) {
      const comma = header.lastIndexOf(',', end - 1);
      const entry = parseEntry(header.slice(comma + 1, end).trim());
      if (entry === undefined) return socket;
      client = entry;
      end = comma;
    }
    return client;
  };
}

function socketAddress(req: IncomingMessage): IpAddress | undefined {
  const text = req.socket.remoteAddress;
  // A link-local peer carries the zone of this host's interface.
  return text === undefined ? undefined : parseIp(text.replace(/%.*$/, ''));
}

type Trust = (address: IpAddress | undefined, hop: number) => boolean;

function trustHops(hops: number): Trust {
  if (!Number.isInteger(hops) || hops < 1 || hops > MAX_HOPS) {
    throw invalid(`trustProxy must be false, the number of proxies (1 to ${String(MAX_HOPS)}) or a list of their addresses`);
  }
  return (_address, hop) => hop < hops;
}

function trustList(entries: readonly string[]): Trust {
  if (!Array.isArray(entries)) {
    throw invalid("trustProxy must be false, the number of proxies or a list of their addresses, for instance 1 or ['10.0.0.0/8']");
  }
  const trusted = new BlockList();
  for (const entry of entries as readonly unknown[]) addRange(trusted, entry);
  return (address) => address !== undefined && trusted.check(address.text, address.family);
}

function addRange(list: BlockList, entry: unknown): void {
  const [text = '', bits, ...rest] = typeof entry === 'string' ? entry.split('/') : [];
  const address = parseIp(text);
  // A range of mapped addresses has another length than the IPv4 range it stands for; it is safer to have that one written.
  const mapped = address?.family === 'ipv4' && text !== address.text;
  const size = address?.family === 'ipv4' ? 32 : 128;
  const length = bits === undefined ? size : /^[1-9][0-9]{0,2}$/.test(bits) ? Number(bits) : 0;
  if (address === undefined || rest.length > 0 || length < 1 || length > size || (mapped && bits !== undefined)) {
    throw invalid(`trustProxy: ${JSON.stringify(entry)} is not an address or CIDR range such as '10.0.0.0/8' or '::1'`);
  }
  list.addSubnet(address.text, length, address.family);
}

/** One entry of X-Forwarded-For: an address, `address:port` (IPv4) or `[address]:port`. */
function parseEntry(text: string): IpAddress | undefined {
  const bracketed = /^\[([^\]]*)\](?::[0-9]{1,5})?$/.exec(text);
  if (bracketed !== null) return parseIp(bracketed[1] ?? '');
  const withPort = /^([0-9.]+):[0-9]{1,5}$/.exec(text);
  return parseIp(withPort?.[1] ?? text);
}

function invalid(message: string): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message, { claim: 'trustProxy' });
}
