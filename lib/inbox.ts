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
    inbox ??= native.NativeInbox.open(deliver);
    lastTicket = (lastTicket + 1) % 0x1_0000_0000;
    const ticket = lastTicket;
    const refused = start(inbox, ticket);
    if (refused !== null) {
      resolve(refused);
      return;
    }
    waiting.set(ticket, resolve);
    if (waiting.size === 1) inbox.holdProcess(true);
  });
}

let inbox: NativeInbox | undefined;
let lastTicket = 0;
const waiting = new Map<number, (answer: string | number) => void>();

// As it is before anybody puts a fake in its place: an answer does not depend on a test's clock.
const soon = setImmediate;

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
