// @ts-check
// A registrant: answers the challenges of the server with a key, and talks to others who have.

import { Connection, here } from './connection.js';
import { objectOf } from './talk.js';
import { Turns } from './turns.js';

/**
 * What is said, and to which key; to all without one.
 * @typedef {{text: string, to?: string}} Line
 */

/**
 * What a registrant calls back.
 * @typedef {object} Callbacks
 * @property {() => void} registered others hear it from now on
 * @property {() => void} confirmed they still do: it has answered once more
 * @property {(words: string) => void} unregistered it is asked to sign again before others hear it
 * @property {(retries: number) => void} rejected an answer was not taken; the next one is on its way
 * @property {(challenge: string) => void} foreign it was to sign what it does not sign
 * @property {() => void} unsigned the browser does not sign
 * @property {(said: {from: string, text: string, timestamp: unknown}) => void} heard
 * @property {(line: Line, connections: number) => void} delivered
 * @property {(words: string, line?: Line) => void} refused
 * @property {(wait: number) => void} held in milliseconds; it goes on by itself then
 * @property {(end: import('./connection.js').End, unsaid: Line[]) => void} ended
 */

/** What a challenge of this server begins with. Nothing else is ever signed. */
const MINE = `wsbeat-registration-v1:${location.host}:`;

/** 32 random bytes in unpadded base64url. */
const NONCE = /^[A-Za-z0-9_-]{43}$/;

/** A registrant, from the connection to its end. */
export class Registrant {
  #callbacks;
  #connection;
  #key;
  /** @type {Turns<Line>} */
  #turns;
  #isRegistered = false;
  /** The challenge that came last. */
  #challenge = '';
  /** The answer that was sent last. @type {string | undefined} */
  #answer;

  /**
   * @param {import('./keys.js').Key} key
   * @param {Callbacks} callbacks
   */
  constructor(key, callbacks) {
    this.#key = key;
    this.#callbacks = callbacks;
    this.#turns = new Turns(
      () => this.#isRegistered,
      (line) => this.#connection.sendJson(line),
    );
    this.#connection = new Connection(here('/register'), {
      message: (data) => this.#hear(objectOf(data)),
      ended: (end) => callbacks.ended(end, this.#turns.end()),
    });
  }

  get isRegistered() {
    return this.#isRegistered;
  }

  /**
   * @param {Line} line
   * @returns {boolean} whether there was room for it
   */
  say(line) {
    return this.#turns.add(line);
  }

  leave() {
    this.#connection.close();
  }

  /** @param {Record<string, unknown> | undefined} message */
  #hear(message) {
    if (typeof message?.from === 'string') {
      const { from, text, timestamp } = message;
      this.#callbacks.heard({ from, text: String(text), timestamp });
    } else if (typeof message?.accepted === 'boolean') {
      this.#judged(message);
    } else if (typeof message?.challenge === 'string') {
      this.#challenged(message.challenge);
    } else if (typeof message?.delivered === 'number') {
      this.#delivered(message.delivered);
    } else if (typeof message?.error === 'string') {
      this.#refused(message.error, String(message.message), message.retryAfterMs);
    }
  }

  /** @param {string} challenge */
  async #challenged(challenge) {
    // The verdict on a late answer may repeat the challenge that is being answered.
    if (challenge === this.#challenge) {
      return;
    }
    if (!challenge.startsWith(MINE) || !NONCE.test(challenge.slice(MINE.length))) {
      this.#callbacks.foreign(challenge);
      this.#connection.close(3000, 'the challenge is not for this host');
      return;
    }
    this.#challenge = challenge;
    const response = await this.#signed(challenge);
    // Signing takes its time, and more where a page was asleep: an answer to a challenge that is not the
    // newest any more would only cost a try.
    if (response !== undefined && challenge === this.#challenge && this.#connection.isOpen) {
      this.#answer = response;
      this.#connection.sendJson({ publicKey: this.#key.address, response });
    }
  }

  /**
   * @param {string} challenge
   * @returns {Promise<string | undefined>} nothing if the browser does not sign
   */
  async #signed(challenge) {
    try {
      return await this.#key.sign(challenge);
    } catch {
      this.#callbacks.unsigned();
      this.#connection.close();
      return undefined;
    }
  }

  /** @param {Record<string, unknown>} verdict */
  #judged({ publicKey, response, accepted, retries, challenge }) {
    const isOurs = publicKey === this.#key.address && response === this.#answer;
    if (accepted && !isOurs) {
      return;
    }
    if (!accepted) {
      if (isOurs) {
        this.#callbacks.rejected(Number(retries));
      }
      if (typeof challenge === 'string') {
        this.#challenged(challenge);
      }
    } else if (this.#isRegistered) {
      this.#callbacks.confirmed();
    } else {
      this.#isRegistered = true;
      this.#callbacks.registered();
      this.#turns.go();
    }
  }

  /** @param {number} connections */
  #delivered(connections) {
    const line = this.#turns.asked;
    if (line) {
      this.#callbacks.delivered(line, connections);
      this.#turns.answered();
    }
  }

  /**
   * @param {string} code
   * @param {string} words
   * @param {unknown} wait in milliseconds
   */
  #refused(code, words, wait) {
    switch (code) {
      case 'unregistered':
        this.#isRegistered = false;
        return this.#callbacks.unregistered(words);
      case 'too_fast':
        return this.#callbacks.held(this.#turns.later(wait));
      case 'not_registered':
        this.#isRegistered = false;
        return this.#turns.again();
      default: {
        const line = this.#turns.asked;
        this.#callbacks.refused(words, line);
        this.#turns.answered();
      }
    }
  }
}
