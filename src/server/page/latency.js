// @ts-check
// The Latency tab: how long a message takes from this browser to the server's echo and back.

import { Connection, here, inWords } from './connection.js';
import { Status, button, byId, onSubmit } from './dom.js';
import { Histogram } from './histogram.js';
import { Series } from './series.js';
import { Statistics } from './statistics.js';

/** After how long a message counts as lost, in milliseconds. */
const PATIENCE = 2000;

/** How many lost ones are waited for, in case they are only late. */
const MOST_MISSED = 100;

/** @returns {import('./main.js').Tab} */
export function latencyTab() {
  const status = new Status('latency-status');
  const interval = byId('latency-interval', HTMLSelectElement);
  const series = new Series(byId('latency-series', SVGSVGElement));
  const histogram = new Histogram(byId('latency-histogram', SVGSVGElement));
  const statistics = new Statistics();
  let lost = 0;
  let late = 0;
  /** @type {Measurement | undefined} */
  let measurement;

  function enable() {
    button('latency-start').disabled = measurement !== undefined;
    button('latency-stop').disabled = measurement === undefined;
  }

  function show() {
    const figures = statistics.figures;
    figure('count', String(statistics.count));
    figure('lost', String(lost));
    figure('late', String(late));
    for (const name of /** @type {const} */ (['newest', 'min', 'median', 'p90', 'p99', 'max'])) {
      figure(name, figures ? millis(figures[name]) : '–');
    }
    histogram.show(statistics.samples);
  }

  function sayHow() {
    if (measurement?.isOpen) {
      const slowly = document.hidden ? ' While this page is in the background, the browser may slow it down.' : '';
      status.say(`Measuring.${slowly}`, 'good');
    }
  }

  function start() {
    if (measurement) {
      return;
    }
    statistics.clear();
    series.clear();
    lost = 0;
    late = 0;
    show();
    status.say('Connecting …', 'busy');
    measurement = new Measurement(() => Number(interval.value), {
      opened: sayHow,
      answered(ms) {
        statistics.add(ms);
        series.add(ms);
        show();
      },
      lost() {
        lost += 1;
        series.addLost();
        show();
      },
      late() {
        late += 1;
        show();
      },
      ended(end) {
        measurement = undefined;
        status.say(end.ours && end.opened ? 'Stopped.' : inWords(end), end.ours ? 'idle' : 'bad');
        const wasStopped = document.activeElement === button('latency-stop');
        enable();
        if (wasStopped) {
          button('latency-start').focus();
        }
      },
    });
    enable();
    // A button that is disabled loses the focus.
    button('latency-stop').focus();
  }

  document.addEventListener('visibilitychange', sayHow);
  onSubmit(interval, start);
  button('latency-stop').addEventListener('click', () => measurement?.stop());
  status.say('Not measuring.');
  show();
  enable();
  return {};
}

/**
 * @param {string} name
 * @param {string} text
 */
function figure(name, text) {
  const cell = document.querySelector(`#latency-stats [data-figure=${name}]`);
  if (cell) {
    cell.textContent = text;
  }
}

/** @param {number} ms */
const millis = (ms) => `${ms.toFixed(ms < 10 ? 3 : 1)} ms`;

/**
 * @typedef {object} Callbacks
 * @property {() => void} opened
 * @property {(ms: number) => void} answered
 * @property {() => void} lost
 * @property {() => void} late an answer came to one that had been given up
 * @property {(end: import('./connection.js').End) => void} ended
 */

/** Messages to the echo, one under way at a time. */
class Measurement {
  #connection;
  #pause;
  #callbacks;
  #number = 0;
  #sentAt = 0;
  /** Whether an answer to the newest one is waited for. */
  #isWaiting = false;
  /** Those that were given up. @type {Set<number>} */
  #missed = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {() => number} pause how long after one message the next one is due, in milliseconds
   * @param {Callbacks} callbacks
   */
  constructor(pause, callbacks) {
    this.#pause = pause;
    this.#callbacks = callbacks;
    this.#connection = new Connection(here('/echo'), {
      opened: () => {
        callbacks.opened();
        this.#ask();
      },
      message: (data) => this.#answered(data, performance.now()),
      ended: (end) => {
        clearTimeout(this.#timer);
        callbacks.ended(end);
      },
    });
  }

  get isOpen() {
    return this.#connection.isOpen;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#isWaiting = false;
    this.#connection.close();
  }

  #ask() {
    if (!this.#connection.isOpen) {
      return;
    }
    this.#number += 1;
    this.#isWaiting = true;
    this.#timer = setTimeout(() => this.#giveUp(), PATIENCE);
    const text = `wsbeat latency ${this.#number}`;
    this.#sentAt = performance.now();
    this.#connection.send(text);
  }

  /**
   * @param {string | ArrayBuffer} data
   * @param {number} at when it came
   */
  #answered(data, at) {
    const number = typeof data === 'string' ? Number(/^wsbeat latency (\d+)$/.exec(data)?.[1]) : NaN;
    if (this.#isWaiting && number === this.#number) {
      this.#isWaiting = false;
      clearTimeout(this.#timer);
      const took = at - this.#sentAt;
      this.#timer = setTimeout(() => this.#ask(), Math.max(0, this.#pause() - took));
      this.#callbacks.answered(took);
    } else if (this.#missed.delete(number)) {
      this.#callbacks.late();
    }
  }

  #giveUp() {
    this.#isWaiting = false;
    this.#missed.add(this.#number);
    if (this.#missed.size > MOST_MISSED) {
      const [oldest] = this.#missed;
      this.#missed.delete(oldest);
    }
    this.#callbacks.lost();
    this.#ask();
  }
}
