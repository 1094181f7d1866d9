// @ts-check
// Who is in a channel.

import { byId, element } from './dom.js';
import { visible } from './visible.js';

/** How many names are told of who comes or goes. */
const MOST_TOLD = 5;

/** The list of who is there. In a full channel, there are more than it lists. */
export class People {
  #list = byId('chat-people', HTMLElement);
  #heading = byId('chat-people-heading', HTMLElement);
  /** @type {Set<string>} */
  #names = new Set();
  #total = 0;
  /** Whether it has been told yet who was there before. */
  #isKnown = false;

  clear() {
    this.#names.clear();
    this.#total = 0;
    this.#isKnown = false;
    this.show(undefined);
  }

  /**
   * Some have come, and some have gone.
   * @param {string[]} came
   * @param {string[]} went
   * @param {number} total how many are there now
   * @param {string | undefined} own which of them is oneself
   * @returns {string | undefined} what is new about that, in words
   */
  change(came, went, total, own) {
    const isNews = this.#isKnown;
    this.#isKnown = true;
    for (const name of went) {
      this.#names.delete(name);
    }
    for (const name of came) {
      this.#names.add(name);
    }
    this.#total = total;
    this.show(own);
    const others = came.filter((name) => name !== own);
    const news = [...told(others, 'came'), ...told(went, 'went')];
    return isNews && news.length > 0 ? news.join(', ') : undefined;
  }

  /** @param {string | undefined} own which of them is oneself */
  show(own) {
    const names = [...this.#names].sort((one, other) => one.localeCompare(other));
    const items = names.map((name) => {
      const mark = name === own ? [' (you)'] : [];
      return element('li', {}, element('bdi', {}, visible(name)), ...mark);
    });
    const more = this.#total - names.length;
    if (more > 0) {
      items.push(element('li', { class: 'more' }, `and ${more} more`));
    }
    this.#list.replaceChildren(...items);
    this.#heading.textContent = this.#total > 0 ? `Here: ${this.#total}` : 'Here';
  }
}

/**
 * @param {string[]} names
 * @param {string} what they did
 */
function told(names, what) {
  if (names.length === 0) {
    return [];
  }
  const some = names.slice(0, MOST_TOLD).map(visible).join(', ');
  const more = names.length - MOST_TOLD;
  return [more > 0 ? `${some} and ${more} more ${what}` : `${some} ${what}`];
}
