// @ts-check
// What all tabs need of the document. Text gets into it as text only: nothing here reads markup.

/**
 * The element with an id. The page is broken without it, which had better be known at once.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind what it has to be
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) {
    throw new Error(`#${id} is missing, or is no ${kind.name}`);
  }
  return found;
}

/** @param {string} id */
export const button = (id) => byId(id, HTMLButtonElement);

/** @param {string} id */
export const input = (id) => byId(id, HTMLInputElement);

/**
 * A new element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children strings become text
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * Calls back when the form around an element is submitted, by a button or by Enter. Nothing is ever
 * sent to anywhere by the form itself.
 * @param {Element} inside
 * @param {() => void} callback
 */
export function onSubmit(inside, callback) {
  const form = inside.closest('form');
  if (!form) {
    throw new Error(`#${inside.id} is in no form`);
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    callback();
  });
}

/**
 * Whether somebody who has submitted a form has turned to nothing else since. A button that is disabled
 * once it has been pressed has lost the focus.
 * @param {HTMLFormElement | null} form
 */
export function isIdle(form) {
  const focused = document.activeElement;
  return focused === document.body || form?.contains(focused);
}

/** @typedef {'idle' | 'busy' | 'good' | 'bad'} Mood */

/** How a tab is doing, in words. Screen readers read it out as it changes. */
export class Status {
  #element;

  /** @param {string} id */
  constructor(id) {
    this.#element = byId(id, HTMLElement);
  }

  /**
   * @param {string} words
   * @param {Mood} mood
   */
  say(words, mood = 'idle') {
    this.#element.dataset.mood = mood;
    // Saying the same again would only be read out again.
    if (this.#element.textContent !== words) {
      this.#element.textContent = words;
    }
  }
}
