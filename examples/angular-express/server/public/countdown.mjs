import { find, first } from './elements.mjs';

/** A bar that runs out, and the time that is left, as text. */
export class Countdown {
  #bar;
  #text;

  /** @param {string} id */
  constructor(id) {
    const row = find(id, HTMLElement);
    this.#bar = first('progress', HTMLProgressElement, row);
    this.#text = first('output', HTMLOutputElement, row);
  }

  /**
   * @param {number} leftMs
   * @param {number} wholeMs
   */
  update(leftMs, wholeMs) {
    this.#bar.value = wholeMs > 0 ? Math.min(1, Math.max(0, leftMs / wholeMs)) : 0;
    this.#text.value = leftMs > 0 ? duration(leftMs) : 'over';
  }
}

/** @param {number} ms */
function duration(ms) {
  const seconds = Math.ceil(ms / 1000);
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return `${h} h ${two(m)} min`;
  return m > 0 ? `${m} min ${two(s)} s` : `${s} s`;
}
