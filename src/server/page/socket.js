// @ts-check
// The Socket tab: a WebSocket to anywhere, by hand.

import { Connection, here, inWords } from './connection.js';
import { Status, button, byId, element, input, onSubmit } from './dom.js';
import { Log } from './log.js';
import { beginning } from './visible.js';

/** How much of a text message is shown, in UTF-16 units. */
const LONGEST_TEXT = 4096;

/** How many bytes of a binary message are shown. */
const LONGEST_BYTES = 32;

/** The longest reason that fits into a Close frame (RFC 6455 section 5.5), in bytes. */
const LONGEST_REASON = 123;

/** @typedef {'open' | 'sent' | 'message' | 'error' | 'close'} Kind */

/** @returns {import('./main.js').Tab} */
export function socketTab() {
  const url = input('socket-url');
  const text = input('socket-text');
  const status = new Status('socket-status');
  const log = new Log(byId('socket-log', HTMLElement));
  /** @type {Connection | undefined} */
  let connection;
  let since = 0;

  /**
   * @param {Kind} kind
   * @param {string} words
   */
  function note(kind, words) {
    log.add(entry(kind, words, performance.now() - since));
  }

  function enable() {
    const isOpen = connection?.isOpen ?? false;
    button('socket-connect').disabled = connection !== undefined;
    button('socket-send').disabled = !isOpen;
    button('socket-close').disabled = connection === undefined;
  }

  function connect() {
    const address = url.value.trim();
    since = performance.now();
    const wrong = wrongAddress(address);
    if (wrong) {
      note('error', wrong);
      status.say(wrong, 'bad');
      return;
    }
    try {
      connection = new Connection(address, {
        opened() {
          note('open', address);
          status.say('Connected.', 'good');
          enable();
        },
        message: (data) => note('message', described(data)),
        failed() {
          // What was never open is told of in more words when it ends.
          if (connection?.isOpened) {
            note('error', 'The connection failed.');
          }
        },
        ended(end) {
          connection = undefined;
          const words = inWords(end, address.startsWith(here('/')) ? 'here' : 'elsewhere');
          if (!end.opened) {
            note('error', words);
          }
          note('close', `${end.code}${end.reason && `: ${beginning(end.reason, LONGEST_TEXT)}`}`);
          status.say(words, end.ours && end.opened ? 'idle' : 'bad');
          enable();
        },
      });
      status.say(`Connecting to ${address} …`, 'busy');
    } catch {
      const words = 'That is no address of a WebSocket.';
      note('error', words);
      status.say(words, 'bad');
    }
    enable();
  }

  function send() {
    if (!connection?.isOpen) {
      return;
    }
    connection.send(text.value);
    note('sent', beginning(text.value, LONGEST_TEXT));
    text.select();
  }

  function close() {
    const code = input('socket-code').value.trim();
    const reason = input('socket-reason').value;
    const wrong = wrongClose(code, reason);
    if (wrong) {
      status.say(wrong, 'bad');
      return;
    }
    status.say('Closing …', 'busy');
    connection?.close(Number(code), reason);
    enable();
  }

  url.value = here('/echo');
  status.say('Not connected.');
  onSubmit(url, connect);
  onSubmit(text, send);
  onSubmit(input('socket-reason'), close);
  enable();
  return {};
}

/**
 * @param {Kind} kind
 * @param {string} words
 * @param {number} elapsed since the attempt to connect, in milliseconds
 */
function entry(kind, words, elapsed) {
  const now = new Date();
  const wall = element('time', { datetime: now.toISOString() }, now.toTimeString().slice(0, 8));
  const stamp = element('span', { class: 'stamp' }, `+${elapsed.toFixed(1)} ms`);
  const what = element('span', { class: 'kind' }, kind);
  return element('div', { class: 'entry', 'data-kind': kind }, wall, stamp, what, element('bdi', {}, words));
}

/**
 * What came, in one line.
 * @param {string | ArrayBuffer} data
 * @returns {string}
 */
function described(data) {
  if (typeof data === 'string') {
    return beginning(data, LONGEST_TEXT);
  }
  const bytes = new Uint8Array(data, 0, Math.min(LONGEST_BYTES, data.byteLength));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const more = data.byteLength > LONGEST_BYTES ? ' …' : '';
  return `${data.byteLength} bytes: ${hex}${more}`;
}

/**
 * What is wrong with an address, if it is plain to see. Browsers would take `http://` for `ws://`, and
 * anything else for a path of this page's server.
 * @param {string} address
 * @returns {string | undefined}
 */
function wrongAddress(address) {
  if (address === '') {
    return 'There is no address: it has to begin with ws:// or wss://.';
  }
  if (!/^wss?:\/\//i.test(address)) {
    return 'The address has to begin with ws:// or wss://.';
  }
  if (location.protocol === 'https:' && /^ws:/i.test(address)) {
    return 'This page came over TLS, and may open wss:// addresses only.';
  }
  return undefined;
}

/**
 * What is wrong with a code and a reason, if anything. A page may use 1000 and those that are for
 * applications; the rest is for browsers and servers to use.
 * @param {string} code
 * @param {string} reason
 * @returns {string | undefined}
 */
function wrongClose(code, reason) {
  const number = Number(code);
  const isAllowed = number === 1000 || (number >= 3000 && number <= 4999);
  if (!/^\d{4}$/.test(code) || !isAllowed) {
    return 'The code has to be 1000, or from 3000 to 4999: browsers allow pages no other.';
  }
  const bytes = new TextEncoder().encode(reason).length;
  if (bytes > LONGEST_REASON) {
    return `The reason has ${bytes} bytes, and ${LONGEST_REASON} fit into a Close frame.`;
  }
  return undefined;
}
