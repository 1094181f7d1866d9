// @ts-check
// The tabs. Which one is shown is in the address, so that it can be linked to and survives a reload.

import { challengeTab } from './challenge.js';
import { chatTab } from './chat.js';
import { clientsTab } from './clients.js';
import { byId } from './dom.js';
import { latencyTab } from './latency.js';
import { registrationTab } from './registration.js';
import { socketTab } from './socket.js';

/**
 * What a tab may want to know. It goes on with what it does while another one is shown.
 * @typedef {object} Tab
 * @property {() => void} [shown]
 * @property {() => void} [hidden]
 */

/** @type {Record<string, Tab>} */
const TABS = {
  challenge: challengeTab(),
  latency: latencyTab(),
  chat: chatTab(),
  registration: registrationTab(),
  socket: socketTab(),
  clients: clientsTab(),
};

const NAMES = Object.keys(TABS);

let current = '';

/** @param {string} name */
const tabOf = (name) => byId(`tab-${name}`, HTMLButtonElement);

/** @param {string} name */
function show(name) {
  if (name === current) {
    return;
  }
  for (const each of NAMES) {
    const isShown = each === name;
    const tab = tabOf(each);
    tab.setAttribute('aria-selected', String(isShown));
    // The arrow keys go from tab to tab; the tab key goes on to what is in the panel.
    tab.tabIndex = isShown ? 0 : -1;
    byId(`panel-${each}`, HTMLElement).hidden = !isShown;
  }
  TABS[current]?.hidden?.();
  current = name;
  TABS[current]?.shown?.();
}

/** Shows the tab that the address names. */
function showAddressed() {
  const name = location.hash.slice(1);
  show(NAMES.includes(name) ? name : 'challenge');
}

/** @param {string} name */
function goTo(name) {
  // Going through tabs is no journey: the way back leads to where one came from.
  history.replaceState(null, '', `#${name}`);
  show(name);
}

/**
 * Which tab a key leads to.
 * @param {string} key
 * @returns {string | undefined}
 */
function keyed(key) {
  const at = NAMES.indexOf(current);
  const count = NAMES.length;
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return NAMES[(at + 1) % count];
    case 'ArrowLeft':
    case 'ArrowUp':
      return NAMES[(at + count - 1) % count];
    case 'Home':
      return NAMES[0];
    case 'End':
      return NAMES[count - 1];
    default:
      return undefined;
  }
}

for (const name of NAMES) {
  const tab = tabOf(name);
  tab.addEventListener('click', () => goTo(name));
  tab.addEventListener('keydown', (event) => {
    const next = event.ctrlKey || event.altKey || event.metaKey ? undefined : keyed(event.key);
    if (next) {
      event.preventDefault();
      goTo(next);
      tabOf(next).focus();
    }
  });
}

byId('address', HTMLElement).textContent = location.host;
addEventListener('hashchange', showAddressed);
showAddressed();
