// @ts-check
// What many round trips have in common.

/** How many of the newest are looked at: half an hour of two a second. */
const MOST = 3600;

/**
 * Round trips in numbers, in milliseconds.
 * @typedef {object} Figures
 * @property {number} newest
 * @property {number} min
 * @property {number} median
 * @property {number} p90
 * @property {number} p99
 * @property {number} max
 */

/** The newest round trips. */
export class Statistics {
  /** In the order in which they were measured. @type {number[]} */
  #newest = [];
  #count = 0;

  /** How many there have been. */
  get count() {
    return this.#count;
  }

  /** Those that are looked at, the oldest first. */
  get samples() {
    return this.#newest;
  }

  /** @param {number} ms */
  add(ms) {
    this.#count += 1;
    this.#newest.push(ms);
    if (this.#newest.length > MOST) {
      this.#newest.shift();
    }
  }

  clear() {
    this.#newest = [];
    this.#count = 0;
  }

  /** @returns {Figures | undefined} nothing before the first */
  get figures() {
    const newest = this.#newest.at(-1);
    if (newest === undefined) {
      return undefined;
    }
    const sorted = this.#newest.toSorted((a, b) => a - b);
    // The nearest rank: one that was measured, never something between two.
    const rank = (/** @type {number} */ share) => sorted[Math.ceil(share * sorted.length) - 1];
    return {
      newest,
      min: sorted[0],
      median: rank(0.5),
      p90: rank(0.9),
      p99: rank(0.99),
      max: sorted[sorted.length - 1],
    };
  }
}
