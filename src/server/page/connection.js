// @ts-check
// A WebSocket, and what became of it in words.

import { visible } from './visible.js';

/** What is still open when the page is left. */
const open = new Set();

addEventListener('pagehide', () => {
  for (const connection of open) {
    connection.close(1000, 'the page was left');
  }
});

/**
 * The address of one of this server's WebSockets.
 * @param {string} path
 * @returns {string}
 */
export function here(path) {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}${path}`;
}

/**
 * How a connection ended.
 * @typedef {object} End
 * @property {boolean} opened whether it had ever been open
 * @property {boolean} ours whether this page asked for it
 * @property {number} code the code of the Close frame; 1005 and 1006 stand for none
 * @property {string} reason
 */

/**
 * What a connection calls back.
 * @typedef {object} Callbacks
 * @property {() => void} [opened]
 * @property {(data: string | ArrayBuffer) => void} message
 * @property {() => void} [failed] browsers do not say how
 * @property {(end: End) => void} ended comes once, whatever happens, and is the last one
 */

/** A connection, from the attempt to open it to its end. */
export class Connection {
  #socket;
  #opened = false;
  #ours = false;

  /**
   * @param {string} url
   * @param {Callbacks} callbacks
   * @throws {DOMException} if a browser does not even try
   */
  constructor(url, callbacks) {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      this.#opened = true;
      callbacks.opened?.();
    });
    socket.addEventListener('message', ({ data }) => callbacks.message(data));
    socket.addEventListener('error', () => callbacks.failed?.());
    socket.addEventListener('close', ({ code, reason }) => {
      open.delete(this);
      callbacks.ended({ opened: this.#opened, ours: this.#ours, code, reason });
    });
    this.#socket = socket;
    open.add(this);
  }

  /** Whether it has ever been open. */
  get isOpened() {
    return this.#opened;
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** @param {string} text */
  send(text) {
    this.#socket.send(text);
  }

  /** @param {object} message */
  sendJson(message) {
    this.send(JSON.stringify(message));
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  close(code = 1000, reason = '') {
    this.#ours = true;
    this.#socket.close(code, reason);
  }
}

/** What the codes of RFC 6455 section 7.4.1 mean. */
const CODES = new Map([
  [1000, 'it is done'],
  [1001, 'it is going away'],
  [1002, 'the protocol was broken'],
  [1003, 'it does not take this kind of data'],
  [1005, 'no reason was given'],
  [1007, 'a message was not what it was said to be'],
  [1008, 'it broke a rule of the server'],
  [1009, 'a message was too big'],
  [1011, 'the server failed'],
  [1012, 'the server restarts'],
  [1013, 'try again later'],
]);

/**
 * What happened to a connection, and what may be done about it. Browsers do not say why one could not
 * be opened, so that pages cannot feel their way through a network.
 * @param {End} end
 * @param {'here' | 'elsewhere'} where whether the connection was to this server
 * @returns {string}
 */
export function inWords(end, where = 'here') {
  if (!end.opened && end.ours) {
    return 'Not connected: stopped before the connection was open.';
  }
  if (!end.opened) {
    const ours = where === 'here' ? ' (its --origin and --host options decide)' : '';
    return (
      'Could not connect. The server may not be running, may have no room for more, or may not accept ' +
      `this page’s address${ours}. Browsers do not say which.`
    );
  }
  if (end.code === 1006) {
    return 'The connection was lost: the server may have gone, or the network.';
  }
  const meaning = visible(end.reason) || CODES.get(end.code) || 'no reason was given';
  const who = end.ours ? 'Closed' : 'The server closed the connection';
  return `${who} (${end.code}): ${meaning}.`;
}
