// @ts-check
// A list that grows at its end, and forgets at its beginning.

/** How many entries are kept: more than anybody scrolls through, and little for a browser. */
const LONGEST = 500;

/** How far from the end a reader still counts as being there, in CSS pixels. */
const NEARLY = 24;

/** A log. It follows its newest entry, unless the reader has scrolled up to read an older one. */
export class Log {
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {Node} entry */
  add(entry) {
    const log = this.#element;
    const below = log.scrollHeight - log.scrollTop - log.clientHeight;
    log.append(entry);
    while (log.childElementCount > LONGEST) {
      log.firstElementChild?.remove();
    }
    if (below <= NEARLY) {
      this.follow();
    }
  }

  /** Shows the newest entry. */
  follow() {
    this.#element.scrollTop = this.#element.scrollHeight;
  }

  clear() {
    this.#element.replaceChildren();
  }
}
