// @ts-check
// A guest of a chat: what is said to the room, and what its answers mean.

import { Connection, here } from './connection.js';
import { objectOf } from './talk.js';
import { Turns } from './turns.js';

/** @typedef {{type: 'identity', user: string} | {type: 'message', text: string} | {type: 'join', id: string}} Request */

/**
 * What a guest calls back.
 * @typedef {object} Callbacks
 * @property {(channel: string) => void} entered what was said there follows, and who is there
 * @property {(name: string) => void} named the name is its own
 * @property {(lost: number) => void} unnamed it has no name; so many lines are not said for that
 * @property {(said: {user: string, text: string, timestamp: unknown}) => void} heard
 * @property {() => void} said a line of its own has reached everybody
 * @property {(people: {came: string[], went: string[], total: number}) => void} presence
 * @property {(words: string) => void} refused
 * @property {(wait: number) => void} held in milliseconds; it goes on by itself then
 * @property {() => void} ticketNeeded
 * @property {(end: import('./connection.js').End, unsaid: string[]) => void} ended
 */

/** A guest, from coming in to leaving. */
export class Guest {
  #callbacks;
  #connection;
  /** @type {Turns<Request>} */
  #turns;
  #wish;
  /** @type {string | undefined} */
  #name;

  /**
   * @param {string} channel
   * @param {string} name
   * @param {Callbacks} callbacks
   */
  constructor(channel, name, callbacks) {
    this.#callbacks = callbacks;
    this.#wish = name;
    this.#turns = new Turns(
      (request) => request.type !== 'message' || this.#name !== undefined,
      (request) => this.#connection.sendJson(request),
    );
    this.#connection = new Connection(here(`/chat/${encodeURIComponent(channel)}`), {
      message: (data) => this.#hear(objectOf(data)),
      ended: (end) => callbacks.ended(end, this.#turns.end().flatMap(textOf)),
    });
  }

  /** The name that is its own at present. */
  get name() {
    return this.#name;
  }

  /**
   * Says something to all in the channel.
   * @param {string} text
   * @returns {boolean} whether there was room for it: so much may be waiting that there is not
   */
  say(text) {
    return this.#turns.add({ type: 'message', text });
  }

  /** @param {string} user */
  rename(user) {
    this.#wish = user;
    return this.#turns.add({ type: 'identity', user });
  }

  /** @param {string} id the channel to go to */
  join(id) {
    return this.#turns.add({ type: 'join', id });
  }

  /** @param {string} ticket */
  show(ticket) {
    if (this.#connection.isOpen) {
      this.#connection.sendJson({ type: 'ticket', ticket });
    }
  }

  leave() {
    this.#connection.close();
  }

  /** @param {Record<string, unknown> | undefined} message */
  #hear(message) {
    switch (message?.type) {
      case 'connection':
        return this.#enter(String(message.id));
      case 'heartbeat':
        return this.#connection.sendJson({ type: 'heartbeat' });
      case 'identity':
        return this.#identified(String(message.success) === 'true');
      case 'message':
        return this.#heard(String(message.user), String(message.text), message.timestamp);
      case 'presence':
        return this.#callbacks.presence({
          came: names(message.came),
          went: names(message.went),
          total: Number(message.total),
        });
      case 'error':
        return this.#refused(message.code, String(message.message), message.retry_after_ms);
      default:
        // A later version of the server may have more to say.
    }
  }

  /** @param {string} channel */
  #enter(channel) {
    const former = this.#name;
    this.#name = undefined;
    this.#callbacks.entered(channel);
    if (former === undefined) {
      this.#turns.answered();
      this.#turns.addFirst({ type: 'identity', user: this.#wish });
    } else {
      // The room sees for itself whether the name can come along, and tells.
      this.#turns.await({ type: 'identity', user: former });
    }
  }

  /** @param {boolean} isGranted */
  #identified(isGranted) {
    const { asked } = this.#turns;
    if (asked?.type !== 'identity') {
      return;
    }
    if (isGranted) {
      this.#name = asked.user;
      this.#callbacks.named(asked.user);
    } else if (this.#name === undefined) {
      const lost = this.#turns.drop().flatMap(textOf);
      this.#callbacks.unnamed(lost.length);
    }
    // Only now: what is asked for next may depend on the name.
    this.#turns.answered();
  }

  /**
   * @param {string} user
   * @param {string} text
   * @param {unknown} timestamp
   */
  #heard(user, text, timestamp) {
    this.#callbacks.heard({ user, text, timestamp });
    const { asked } = this.#turns;
    if (asked?.type === 'message' && user === this.#name && text === asked.text) {
      this.#turns.answered();
      this.#callbacks.said();
    }
  }

  /**
   * @param {unknown} code
   * @param {string} words
   * @param {unknown} wait in milliseconds
   */
  #refused(code, words, wait) {
    const turns = this.#turns;
    switch (code) {
      case 'ticket_needed':
        return this.#callbacks.ticketNeeded();
      case 'too_fast':
        return this.#callbacks.held(turns.later(wait));
      case 'heartbeat_missed':
        return this.#claimAgain();
      case 'not_authenticated':
        // The line was on its way when the name was lost. It follows once the name is there again.
        return turns.again();
      case 'name_taken':
      case 'name_empty':
      case 'name_too_long':
      case 'name_invalid':
      case 'name_not_yours':
        // The name has been refused already; this says why.
        return this.#callbacks.refused(words);
      default:
        this.#callbacks.refused(words);
        turns.answered();
    }
  }

  /** The name is free again, for want of an answer: the computer may have been asleep. */
  #claimAgain() {
    const lost = this.#name;
    this.#name = undefined;
    this.#turns.addFirst({ type: 'identity', user: lost ?? this.#wish });
  }
}

/** @param {Request} request */
const textOf = (request) => (request.type === 'message' ? [request.text] : []);

/** @param {unknown} list */
const names = (list) => (Array.isArray(list) ? list.map(String) : []);
