import { native, type NativeInbox } from './native.js';

/**
 * Hands a job to the addon's pool and waits for its answer: text, or an error number.
 *
 * The process does not end by itself while a job is under way.
 *
 * @param start Queues the job under a ticket; returns an error number if there is no place for it.
 */
export function inPool(start: (inbox: NativeInbox, ticket: number) => number | null): Promise<string | number> {
  return new Promise((resolve) => {
    const ticket = nextTicket();
    const refused = start(ownInbox(), ticket);
    if (refused === null) expect(ticket, resolve);
    else resolve(refused);
  });
}

/**
 * Asks for what may be there at once, and waits for its letter otherwise; then the process does not end by itself meanwhile.
 *
 * @param ask Asks under a ticket; returns an answer, an error number, or 0 if a letter will come.
 */
export function atOnceOrByLetter(ask: (ticket: number) => string | number): string | number | Promise<string | number> {
  const ticket = nextTicket();
  const answer = ask(ticket);
  if (answer !== 0) return answer;
  return new Promise((resolve) => {
    expect(ticket, resolve);
  });
}

/** Where the answers of this thread arrive. */
export function ownInbox(): NativeInbox {
  inbox ??= native.NativeInbox.open(deliver);
  return inbox;
}

let inbox: NativeInbox | undefined;
let lastTicket = 0;
const waiting = new Map<number, (answer: string | number) => void>();

// As it is before anybody puts a fake in its place: an answer does not depend on a test's clock.
const soon = setImmediate;

function nextTicket(): number {
  lastTicket = (lastTicket + 1) % 0x1_0000_0000;
  return lastTicket;
}

function expect(ticket: number, resolve: (answer: string | number) => void): void {
  waiting.set(ticket, resolve);
  if (waiting.size === 1) ownInbox().holdProcess(true);
}

/** Settles what has been answered, and lets the event loop turn before it comes for more. */
function deliver(): void {
  if (inbox === undefined) return;
  const { letters, more } = inbox.take();
  for (const { ticket, text, error } of letters) {
    const settle = waiting.get(ticket);
    waiting.delete(ticket);
    settle?.(text ?? error ?? NaN);
  }
  if (waiting.size === 0) inbox.holdProcess(false);
  if (more) soon(deliver);
}

