// @ts-check
// The Clients tab: who is connected, asked for again and again while somebody looks.

import { Status, byId, element } from './dom.js';

/** How long after an answer the next one is asked for, in milliseconds. */
const PAUSE = 1000;

/** How many connections are listed: the newest. */
const MOST = 500;

/** How long an answer may take, in milliseconds. */
const LIMIT = 5000;

/**
 * An open WebSocket, as `GET /clients` has it.
 * @typedef {object} Client
 * @property {number} id
 * @property {string} route
 * @property {string} remote
 * @property {string} since RFC 3339
 * @property {number} frames_in
 * @property {number} frames_out
 * @property {number} bytes_in
 * @property {number} bytes_out
 * @property {number | null} last_rtt_ms
 */

/** @returns {import('./main.js').Tab} */
export function clientsTab() {
  const status = new Status('clients-status');
  const [body] = byId('clients-table', HTMLTableElement).tBodies;
  let isShown = false;
  /** @type {AbortController | undefined} */
  let asking;

  async function ask() {
    const mine = new AbortController();
    asking = mine;
    while (!mine.signal.aborted) {
      await refresh(mine.signal);
      await pause(mine.signal);
    }
  }

  /** @param {AbortSignal} signal */
  async function refresh(signal) {
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT)]);
      const answer = await fetch('/clients', { signal: limited });
      if (!answer.ok) {
        throw new Error();
      }
      const clients = (await answer.json()).clients;
      body.replaceChildren(...clients.slice(-MOST).map(row));
      status.say(counted(clients.length), 'good');
    } catch {
      if (!signal.aborted) {
        status.say('The server does not answer. What is below is old; this goes on asking.', 'bad');
      }
    }
  }

  /** Asks while the tab and the document are seen, and only then. */
  function decide() {
    const isSeen = isShown && !document.hidden;
    if (isSeen && !asking) {
      ask();
    } else if (!isSeen) {
      asking?.abort();
      asking = undefined;
    }
  }

  document.addEventListener('visibilitychange', decide);
  status.say('Asking …', 'busy');
  return {
    shown() {
      isShown = true;
      decide();
    },
    hidden() {
      isShown = false;
      decide();
    },
  };
}

/** @param {AbortSignal} signal by which the pause is cut short */
function pause(signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(undefined);
    }, { once: true });
  });
}

/** @param {number} count */
function counted(count) {
  switch (count) {
    case 0:
      return 'Nobody is connected.';
    case 1:
      return 'One connection is open.';
    default:
      return `${count} connections are open${count > MOST ? `; the newest ${MOST} are listed` : ''}.`;
  }
}

/** @param {Client} client */
function row(client) {
  const since = new Date(client.since);
  const rtt = client.last_rtt_ms;
  return element(
    'tr',
    {},
    element('th', { scope: 'row', class: 'number' }, String(client.id)),
    element('td', {}, client.route),
    element('td', {}, client.remote),
    element(
      'td',
      { class: 'number' },
      element('time', { datetime: client.since, title: since.toLocaleString() }, ago(since)),
    ),
    ...[client.frames_in, client.frames_out, client.bytes_in, client.bytes_out].map((count) =>
      number(count.toLocaleString('en')),
    ),
    number(rtt === null ? '–' : `${rtt.toFixed(2)} ms`),
  );
}

/** @param {string} text */
const number = (text) => element('td', { class: 'number' }, text);

/**
 * How long ago something was, in the two largest units. The server's clock may be ahead of ours.
 * @param {Date} then
 */
function ago(then) {
  const seconds = Math.max(0, Math.floor((Date.now() - then.getTime()) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) {
    return `${days} d ${hours % 24} h`;
  }
  if (hours > 0) {
    return `${hours} h ${minutes % 60} min`;
  }
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
