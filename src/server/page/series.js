// @ts-check
// The series of the Latency tab: each round trip as a dot, the newest at the right.

import { Chart, cross, label, line, scale, shape, ticks } from './draw.js';

/** How many are drawn. */
const MOST = 120;

/** How much of the axis there is before anything was measured, in milliseconds. */
const LEAST = 1;

/** The sizes of the parts, in CSS pixels. */
const HEIGHT = 200;
const TOP = 12;
const BOTTOM = 12;
const LEFT = 56;
const RIGHT = 14;

/** Where a ping was lost, there is a cross at the top. */
const LOST = null;

/** The drawing. */
export class Series {
  #chart;
  /** @type {(number | null)[]} */
  #points = [];

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    svg.setAttribute('height', String(HEIGHT));
    this.#chart = new Chart(svg, (width) => this.#drawn(width));
  }

  /** @param {number} ms */
  add(ms) {
    this.#push(ms);
  }

  addLost() {
    this.#push(LOST);
  }

  clear() {
    this.#points = [];
    this.#chart.redraw();
  }

  /** @param {number | null} point */
  #push(point) {
    this.#points.push(point);
    if (this.#points.length > MOST) {
      this.#points.shift();
    }
    this.#chart.redraw();
  }

  /** @param {number} width */
  #drawn(width) {
    const bottom = HEIGHT - BOTTOM;
    const most = Math.max(LEAST, ...this.#points.map((point) => point ?? 0));
    const marks = ticks(most, 4);
    const y = scale([0, marks[marks.length - 1]], [bottom, TOP]);
    const x = scale([0, MOST - 1], [LEFT + 6, width - RIGHT]);
    const start = MOST - this.#points.length;
    const grid = marks.flatMap((ms) => [
      line(LEFT, y(ms), width - RIGHT, y(ms), ms === 0 ? 'axis' : 'nominal'),
      label(LEFT - 8, y(ms) + 4, `${ms} ms`, 'end'),
    ]);
    const dots = this.#points.map((point, at) => {
      const left = x(start + at);
      return point === LOST
        ? cross(left, TOP, 4, { class: 'mark ouch' })
        : shape('circle', { cx: left, cy: y(point), r: 2.5, class: 'dot' });
    });
    return [...grid, ...dots];
  }
}
