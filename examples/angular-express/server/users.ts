import { randomInt } from 'node:crypto';

/** One of the demo's users, as `accounts.save` takes it. */
export interface User {
  readonly name: string;
  readonly password: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** Alice may do everything, Bob may order. Their passwords are new each time. */
export function drawUsers(): readonly User[] {
  return [
    { name: 'alice', password: drawPassword(), roles: ['admin', 'user'], permissions: ['reports:read', 'orders:write'] },
    { name: 'bob', password: drawPassword(), roles: ['user'], permissions: ['orders:write'] },
  ];
}

/** 79 random bits in letters and digits that are hard to confuse, for somebody types them. */
function drawPassword(): string {
  const group = (): string => Array.from({ length: GROUP_LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}
