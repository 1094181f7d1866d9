// @ts-check
// The rounds of a game as the Challenge tab shows them: in a table, and drawn.

import { Beats } from './beats.js';
import { byId, element } from './dom.js';

/** How many rounds the table keeps. */
const MOST = 500;

/**
 * @typedef {'open' | 'good' | 'ouch'} RoundMood whether a round is judged, and how
 */

/**
 * A round.
 * @typedef {object} Round
 * @property {number} number counted from one
 * @property {number} elapsed before its beat, in milliseconds
 * @property {number} [answer] in milliseconds
 * @property {number} [margin] from the beat to the nearer edge of the answer's window, in milliseconds
 * @property {RoundMood} mood
 * @property {string} [verdict]
 */

/** The rounds of one game. */
export class Rounds {
  #body = byId('challenge-rounds', HTMLTableSectionElement);
  #beats = new Beats(byId('challenge-drawing', SVGSVGElement));
  /** @type {Round[]} */
  #rounds = [];

  get newest() {
    return this.#rounds.at(-1);
  }

  clear() {
    this.#rounds = [];
    this.#body.replaceChildren();
    this.#beats.show(this.#rounds);
  }

  /** @param {Round} round the one after the newest */
  add(round) {
    this.#rounds.push(round);
    this.#body.append(row(round));
    if (this.#rounds.length > MOST) {
      this.#rounds.shift();
      this.#body.firstElementChild?.remove();
    }
    this.#beats.show(this.#rounds);
  }

  /**
   * Adds to what is known of the newest round.
   * @param {Partial<Round>} known
   */
  tell(known) {
    const { newest } = this;
    if (newest) {
      Object.assign(newest, known);
      this.#body.lastElementChild?.replaceWith(row(newest));
      this.#beats.show(this.#rounds);
    }
  }

  /**
   * Shows how long ago the newest beat was.
   * @param {number | undefined} elapsed in milliseconds; nothing without a game
   */
  point(elapsed) {
    this.#beats.point(elapsed);
  }
}

/** @param {Round} round */
function row({ number, elapsed, answer, margin, mood, verdict }) {
  return element(
    'tr',
    { 'data-mood': mood },
    element('th', { scope: 'row' }, String(number)),
    figure(millis(elapsed)),
    figure(answer === undefined ? '' : String(answer)),
    figure(margin === undefined ? '' : millis(margin)),
    element('td', { class: 'verdict' }, verdict ?? ''),
  );
}

/** @param {string} text */
const figure = (text) => element('td', { class: 'number' }, text);

/** @param {number} ms */
const millis = (ms) => `${ms.toFixed(1)} ms`;
