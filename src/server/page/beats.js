// @ts-check
// The drawing of the Challenge tab: each beat as a mark against the windows of the intervals.

import { Chart, cross, label, line, scale, shape } from './draw.js';
import { INTERVALS } from './intervals.js';

/** Where the axis ends, in milliseconds. What took longer is drawn there. */
const END = 3500;

/** Every how many milliseconds the axis is labelled. */
const STEP = 500;

/** How many rounds there is room for at least, and how many newest ones are drawn at most. */
const FEWEST = 6;
const MOST = 20;

/** The sizes of the parts, in CSS pixels. */
const ROW = 20;
const TOP = 28;
const BOTTOM = 26;
const LEFT = 28;
const RIGHT = 14;

/** @typedef {import('./rounds.js').Round} Round */

/** The drawing. */
export class Beats {
  #svg;
  #chart;
  #needle = line(0, 0, 0, 0, 'needle');
  /** @type {readonly Round[]} */
  #rounds = [];
  /** @type {number | undefined} */
  #now;

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.#svg = svg;
    this.#chart = new Chart(svg, (width) => this.#drawn(width));
    this.show([]);
  }

  /** @param {readonly Round[]} rounds */
  show(rounds) {
    this.#rounds = rounds.slice(-MOST);
    this.#svg.setAttribute('height', String(TOP + this.#rows * ROW + BOTTOM));
    this.#chart.redraw();
  }

  /**
   * Moves the needle.
   * @param {number | undefined} elapsed since the newest beat, in milliseconds; nothing without a game
   */
  point(elapsed) {
    this.#now = elapsed;
    this.#place(this.#svg.clientWidth);
  }

  get #rows() {
    return Math.max(FEWEST, this.#rounds.length);
  }

  /** @param {number} width */
  #place(width) {
    const x = String(across(width)(this.#now ?? 0));
    this.#needle.setAttribute('x1', x);
    this.#needle.setAttribute('x2', x);
    this.#needle.setAttribute('visibility', this.#now === undefined ? 'hidden' : 'visible');
  }

  /** @param {number} width */
  #drawn(width) {
    const x = across(width);
    const bottom = TOP + this.#rows * ROW;
    this.#needle.setAttribute('y1', String(TOP));
    this.#needle.setAttribute('y2', String(bottom));
    this.#place(width);
    return [...windows(x, bottom), ...axis(x, bottom), this.#needle, ...this.#rounds.flatMap(mark(x))];
  }
}

/** @typedef {(elapsed: number) => number} Across from milliseconds to pixels */

/**
 * @param {number} width
 * @returns {Across}
 */
const across = (width) => scale([0, END], [LEFT, width - RIGHT]);

/**
 * @param {Across} x
 * @param {number} bottom
 */
function windows(x, bottom) {
  return INTERVALS.flatMap(({ ms, from, to }, at) => [
    shape('rect', {
      x: x(from),
      y: TOP,
      width: x(to) - x(from),
      height: bottom - TOP,
      class: at % 2 === 0 ? 'window' : 'window other',
    }),
    line(x(ms), TOP, x(ms), bottom, 'nominal'),
    label(x(ms), TOP - 10, String(ms)),
  ]);
}

/**
 * @param {Across} x
 * @param {number} bottom
 */
function axis(x, bottom) {
  const count = END / STEP + 1;
  const marks = Array.from({ length: count }, (_, n) => n * STEP).flatMap((ms) => [
    line(x(ms), bottom, x(ms), bottom + 5, 'axis'),
    label(x(ms), bottom + 19, ms === 0 ? '0' : (ms / 1000).toFixed(1)),
  ]);
  return [line(x(0), bottom, x(END), bottom, 'axis'), ...marks, label(x(0) - 8, bottom + 19, 's', 'end')];
}

/**
 * How to draw a round: its number, the beat, and a line to it from the interval that was answered. The
 * form of the mark tells the verdict to those who do not see its colour.
 * @param {Across} x
 */
function mark(x) {
  return (/** @type {Round} */ { number, elapsed, answer, mood }, /** @type {number} */ at) => {
    const y = TOP + (at + 0.5) * ROW;
    const attributes = { class: `mark ${mood}`, 'data-round': String(number) };
    const point =
      mood === 'ouch'
        ? cross(x(elapsed), y, 4.5, attributes)
        : shape('circle', { cx: x(elapsed), cy: y, r: 5, ...attributes });
    const from = answer === undefined ? [] : [line(x(answer), y, x(elapsed), y, `reach ${mood}`)];
    return [label(LEFT - 8, y + 4, String(number), 'end'), ...from, point];
  };
}
