// @ts-check
// The histogram of the Latency tab: how many round trips took how long.

import { Chart, label, line, scale, shape, ticks } from './draw.js';

/** How many bars there are at most. */
const BARS = 24;

/** The sizes of the parts, in CSS pixels. */
const HEIGHT = 220;
const TOP = 12;
const BOTTOM = 26;
const LEFT = 40;
const RIGHT = 18;

/** The drawing. */
export class Histogram {
  #chart;
  /** @type {readonly number[]} */
  #samples = [];

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    svg.setAttribute('height', String(HEIGHT));
    this.#chart = new Chart(svg, (width) => this.#drawn(width));
  }

  /** @param {readonly number[]} samples in milliseconds */
  show(samples) {
    this.#samples = samples;
    this.#chart.redraw();
  }

  /** @param {number} width */
  #drawn(width) {
    const bottom = HEIGHT - BOTTOM;
    const times = ticks(longest(this.#samples), 5);
    const end = times[times.length - 1];
    const counts = counted(this.#samples, end);
    const heights = ticks(Math.max(1, ...counts), 3).filter(Number.isInteger);
    const x = scale([0, end], [LEFT, width - RIGHT]);
    const y = scale([0, heights[heights.length - 1]], [bottom, TOP]);
    const across = times.flatMap((ms) => [
      line(x(ms), bottom, x(ms), bottom + 5, 'axis'),
      label(x(ms), bottom + 19, String(ms)),
    ]);
    const up = heights.flatMap((count) => [
      line(LEFT, y(count), width - RIGHT, y(count), count === 0 ? 'axis' : 'nominal'),
      label(LEFT - 8, y(count) + 4, String(count), 'end'),
    ]);
    const bars = counts.flatMap((count, at) => {
      const left = x((at * end) / BARS);
      const right = x(((at + 1) * end) / BARS);
      const size = { width: right - left - 1, height: bottom - y(count) };
      return count ? [shape('rect', { x: left, y: y(count), ...size, class: 'bar' })] : [];
    });
    return [...up, ...across, label(LEFT - 8, bottom + 19, 'ms', 'end'), ...bars];
  }
}

/**
 * Where the axis has to reach to: beyond nearly all. The few that took longest of all are counted in its
 * last bar, so that one of them does not press all others into the first.
 * @param {readonly number[]} samples
 */
function longest(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.ceil(0.98 * sorted.length) - 1] || 1;
}

/**
 * How many there are for each bar.
 * @param {readonly number[]} samples
 * @param {number} end of the axis
 */
function counted(samples, end) {
  const counts = new Array(BARS).fill(0);
  for (const ms of samples) {
    counts[Math.min(BARS - 1, Math.floor((ms / end) * BARS))] += 1;
  }
  return counts;
}
