import { createHash, randomInt, timingSafeEqual } from 'node:crypto';

import type { SignedInUser } from 'keyturn';

/** One of the demo's users, as `accounts.save` takes it. */
export interface User {
  readonly name: string;
  readonly password: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

/**
 * The users of this start, by the passwords that this process printed. Several demos may run on one file; each stores its own
 * passwords there, and the last one to start must not make the lines void that the others have printed.
 */
export class PrintedPasswords {
  readonly #users: readonly User[];

  constructor(users: readonly User[]) {
    this.#users = users;
  }

  /** The user of that name and printed password. The passwords are random, so a plain digest is enough to compare them by. */
  authenticate(name: unknown, password: unknown): SignedInUser | null {
    const user = this.#users.find((candidate) => candidate.name === name);
    if (user === undefined || typeof password !== 'string') return null;
    if (!timingSafeEqual(digest(password), digest(user.password))) return null;
    return { subject: user.name, roles: user.roles, permissions: user.permissions };
  }
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

function digest(password: string): Buffer {
  return createHash('sha256').update(password).digest();
}
