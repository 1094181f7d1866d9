// @ts-check
// A game that a person plays.

import { Connection, here, inWords } from './connection.js';
import { margin, nearest, read } from './intervals.js';
import { visible } from './visible.js';

/** How long the one-time token may take to come, in milliseconds. */
const LIMIT = 5000;

/** What is said for an access token where any will do: the server takes all but an empty one. */
const ANY = 'page';

/**
 * What a game calls back, be it played or watched.
 * @typedef {object} Callbacks
 * @property {() => void} opened the clock starts
 * @property {(round: import('./rounds.js').Round) => void} beat
 * @property {(known: Partial<import('./rounds.js').Round>) => void} told there is more of the newest round
 * @property {(words: string, mood: import('./dom.js').Mood) => void} ended comes once, and is the last one;
 *   not after `stop`
 */

/** A game, from the request for a one-time token to its end. */
export class Play {
  #callbacks;
  #stopping = new AbortController();
  /** @type {Connection | undefined} */
  #connection;
  #round = 0;
  /** When the newest beat came, or the connection was opened. */
  #since = 0;
  #elapsed = 0;
  /** @type {number | undefined} */
  #answer;
  /** @type {{ words: string, mood: import('./dom.js').Mood } | undefined} */
  #outcome;

  /**
   * @param {string} accessToken
   * @param {Callbacks} callbacks
   */
  constructor(accessToken, callbacks) {
    this.#callbacks = callbacks;
    this.#begin(accessToken);
  }

  /** Whether there is a beat that has not been answered. */
  get isAsking() {
    return this.#round > 0 && this.#answer === undefined && !this.#outcome;
  }

  /** @param {number} answer in milliseconds */
  answer(answer) {
    if (this.isAsking && this.#connection?.isOpen) {
      this.#connection.send(String(answer));
      this.#answer = answer;
      this.#callbacks.told({ answer, margin: margin(this.#elapsed, answer) });
    }
  }

  stop() {
    this.#stopping.abort();
    this.#connection?.close(1000, 'the player has left');
  }

  /** @param {string} accessToken */
  async #begin(accessToken) {
    const asked = await ask(accessToken, this.#stopping.signal);
    if (this.#stopping.signal.aborted) {
      return;
    }
    if ('problem' in asked) {
      this.#callbacks.ended(asked.problem, 'bad');
      return;
    }
    const heard = (/** @type {() => void} */ act) => this.#stopping.signal.aborted || act();
    this.#connection = new Connection(here(`/_/ws/${encodeURIComponent(asked.token)}`), {
      opened: () => heard(() => {
        this.#since = performance.now();
        this.#callbacks.opened();
      }),
      message: (data) => heard(() => typeof data === 'string' && this.#hear(data)),
      ended: (end) => heard(() => {
        const { words, mood } = this.#outcome ?? { words: inWords(end), mood: 'bad' };
        this.#callbacks.ended(words, mood);
      }),
    });
  }

  /** @param {string} text */
  #hear(text) {
    const now = performance.now();
    const said = read(text);
    switch (said.kind) {
      case 'ping':
        this.#round += 1;
        this.#elapsed = now - this.#since;
        this.#since = now;
        this.#answer = undefined;
        this.#callbacks.beat({ number: this.#round, elapsed: this.#elapsed, mood: 'open' });
        break;
      case 'good':
        this.#callbacks.told({ mood: 'good', verdict: 'good!' });
        break;
      case 'ouch':
        this.#callbacks.told({ mood: 'ouch', verdict: 'ouch!' });
        this.#outcome = { words: this.#lost(), mood: 'bad' };
        break;
      case 'secret':
        // The last answer gets no other verdict.
        this.#callbacks.told({ mood: 'good', verdict: 'won' });
        this.#outcome = { words: `You have won. The secret is “${visible(said.secret)}”.`, mood: 'good' };
        break;
      case 'expired':
        this.#outcome = { words: 'The server did not take its one-time token. Play again.', mood: 'bad' };
        break;
    }
  }

  /** Why the game is lost, as far as can be told. */
  #lost() {
    const right = nearest(this.#elapsed);
    const lost = `The game is lost in round ${this.#round}`;
    if (this.#answer === undefined) {
      return `${lost}: the next beat came before an answer. It was ${right}.`;
    }
    if (this.#answer !== right) {
      return `${lost}: the answer was ${this.#answer}, and ${right} was right.`;
    }
    return `${lost}: ${right} seemed right, but came too late, or the network moved the beat.`;
  }
}

/**
 * Asks for the one-time token of a game.
 * @param {string} accessToken
 * @param {AbortSignal} signal
 * @returns {Promise<{ token: string } | { problem: string }>}
 */
async function ask(accessToken, signal) {
  const parameters = new URLSearchParams({ access_token: accessToken || ANY });
  const url = `/challenges/websocket_chit_chat/problem?${parameters}`;
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT)]);
    const answer = await fetch(url, { signal: limited, cache: 'no-store' });
    if (answer.status === 401) {
      const problem = accessToken
        ? 'The server does not take this access token.'
        : 'The server wants its access token: enter it above, and play again.';
      return { problem };
    }
    const { token } = answer.ok ? await answer.json() : {};
    return typeof token === 'string'
      ? { token }
      : { problem: `The server gave no game: it answered ${answer.status}.` };
  } catch {
    return { problem: 'The server does not answer. It may have gone; try again when it is back.' };
  }
}
