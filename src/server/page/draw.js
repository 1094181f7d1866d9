// @ts-check
// What all drawings need: shapes, scales, and a size to draw for.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * A new shape.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes lengths are in CSS pixels
 * @param {...(Node | string)} children strings become text
 * @returns {SVGElement}
 */
export function shape(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, typeof value === 'number' ? String(rounded(value)) : value);
  }
  made.append(...children);
  return made;
}

/**
 * A straight line.
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {string} kind its class
 */
export const line = (x1, y1, x2, y2, kind) => shape('line', { x1, y1, x2, y2, class: kind });

/**
 * Text at a place.
 * @param {number} x
 * @param {number} y of its base line
 * @param {string} words
 * @param {'start' | 'middle' | 'end'} anchor which part of it is at the place
 */
export const label = (x, y, words, anchor = 'middle') =>
  shape('text', { x, y, 'text-anchor': anchor }, words);

/**
 * A cross around a place.
 * @param {number} x
 * @param {number} y
 * @param {number} reach from the middle, to each side
 * @param {Record<string, string>} attributes
 */
export function cross(x, y, reach, attributes) {
  const arms = `m${-reach} ${-reach}l${2 * reach} ${2 * reach}m0 ${-2 * reach}l${-2 * reach} ${2 * reach}`;
  return shape('path', { d: `M${rounded(x)} ${rounded(y)}${arms}`, ...attributes });
}

/**
 * Puts a range of values onto a range of pixels. Values beyond its ends are put at the ends.
 * @param {[number, number]} values
 * @param {[number, number]} pixels
 * @returns {(value: number) => number}
 */
export function scale([least, most], [start, end]) {
  return (value) => {
    const share = (value - least) / (most - least);
    return start + Math.min(1, Math.max(0, share)) * (end - start);
  };
}

/**
 * Round numbers from zero, the last of which is no less than `most`.
 * @param {number} most more than zero
 * @param {number} count about how many
 * @returns {number[]}
 */
export function ticks(most, count) {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const steps = Math.ceil(most / step);
  // Sums of steps such as 0.1 would drift.
  return Array.from({ length: steps + 1 }, (_, n) => Number((n * step).toPrecision(12)));
}

/** @param {number} pixels */
const rounded = (pixels) => Math.round(pixels * 100) / 100;

/**
 * A drawing that is as wide as the page gives it room, in CSS pixels, so that its text stays as large as
 * other text.
 */
export class Chart {
  #svg;
  #draw;

  /**
   * @param {SVGSVGElement} svg its height is up to what is drawn
   * @param {(width: number) => SVGElement[]} draw
   */
  constructor(svg, draw) {
    this.#svg = svg;
    this.#draw = draw;
    let width = 0;
    new ResizeObserver(() => {
      if (svg.clientWidth !== width) {
        width = svg.clientWidth;
        this.redraw();
      }
    }).observe(svg);
  }

  redraw() {
    const { clientWidth: width } = this.#svg;
    // While its tab is not shown, it has no size, and nobody misses it.
    if (width > 0) {
      this.#svg.replaceChildren(...this.#draw(width));
    }
  }
}
