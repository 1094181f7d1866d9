// @ts-check
// A game that the program plays, and that is watched.

import { Connection, here, inWords } from './connection.js';
import { margin } from './intervals.js';
import { visible } from './visible.js';

/** @typedef {{ words: string, mood: import('./dom.js').Mood }} Outcome */

/** A game, from the attempt to watch it to its end. */
export class Watch {
  #callbacks;
  #connection;
  #isStopped = false;
  /** @type {Outcome | undefined} */
  #outcome;

  /** @param {import('./play.js').Callbacks} callbacks */
  constructor(callbacks) {
    this.#callbacks = callbacks;
    const heard = (/** @type {() => void} */ act) => this.#isStopped || act();
    this.#connection = new Connection(here('/watch'), {
      opened: () => heard(callbacks.opened),
      message: (data) => heard(() => typeof data === 'string' && this.#hear(data)),
      ended: (end) => heard(() => {
        const { words, mood } = this.#outcome ?? { words: inWords(end), mood: 'bad' };
        callbacks.ended(words, mood);
      }),
    });
  }

  stop() {
    this.#isStopped = true;
    this.#connection.close(1000, 'the watcher has left');
  }

  /** @param {string} text an object of those that `wsbeat solve -o json` prints */
  #hear(text) {
    const item = parsed(text);
    switch (item?.type) {
      case 'beat':
        this.#callbacks.beat({
          number: item.round,
          elapsed: item.elapsed_ms,
          answer: item.interval_ms,
          margin: margin(item.elapsed_ms, item.interval_ms),
          mood: 'open',
        });
        break;
      case 'verdict':
        this.#callbacks.told({ mood: item.verdict === 'good' ? 'good' : 'ouch', verdict: `${item.verdict}!` });
        break;
      case 'secret':
        // The last answer gets no other verdict.
        this.#callbacks.told({ mood: 'good', verdict: 'won' });
        this.#outcome = { words: `The program has won. The secret is “${visible(item.secret)}”.`, mood: 'good' };
        break;
      case 'summary':
        this.#outcome ??= unsolved(item);
        break;
    }
  }
}

/**
 * Reads a message; one that is no JSON says nothing.
 * @param {string} text
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What came of a game that was not won.
 * @param {{ rounds: number, loss?: { round: number, message: string } | null }} summary
 * @returns {Outcome}
 */
function unsolved({ rounds, loss }) {
  const words = loss
    ? `The program has lost in round ${loss.round}: ${visible(loss.message)}.`
    : `The game broke off after ${rounds === 1 ? 'one round' : `${rounds} rounds`}.`;
  return { words, mood: 'bad' };
}
