// @ts-check
// What people say, as the entries of a log.

import { element } from './dom.js';
import { visible } from './visible.js';

/**
 * A JSON object out of a message.
 * @param {string | ArrayBuffer} data
 * @returns {Record<string, unknown> | undefined} nothing if it is none
 */
export function objectOf(data) {
  if (typeof data !== 'string') {
    return undefined;
  }
  try {
    const value = JSON.parse(data);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * When something was said, to the minute; the whole of it is in the title.
 * @param {unknown} timestamp seconds since 1970
 * @returns {HTMLElement}
 */
function when(timestamp) {
  const date = new Date(typeof timestamp === 'number' ? timestamp * 1000 : NaN);
  if (Number.isNaN(date.getTime())) {
    return element('time', {}, '--:--');
  }
  const attributes = { datetime: date.toISOString(), title: date.toLocaleString() };
  return element('time', attributes, date.toTimeString().slice(0, 5));
}

/**
 * Something that was said.
 * @param {object} said
 * @param {unknown} said.timestamp seconds since 1970
 * @param {Node} said.who
 * @param {string} said.text
 * @param {boolean} said.isOwn
 * @returns {HTMLElement}
 */
export function saying({ timestamp, who, text, isOwn }) {
  const attributes = { class: 'entry', 'data-kind': isOwn ? 'own' : 'heard' };
  // The direction of writing of one does not reach over to the next.
  return element('div', attributes, when(timestamp), who, element('bdi', { class: 'said' }, visible(text)));
}

/**
 * Something that happened.
 * @param {string} words
 * @returns {HTMLElement}
 */
export function event(words) {
  const text = element('bdi', { class: 'said' }, words);
  return element('div', { class: 'entry', 'data-kind': 'event' }, when(Date.now() / 1000), text);
}
