// @ts-check
// The Registration tab: a key of this browser, and those who are known by theirs.

import { inWords } from './connection.js';
import { Status, button, byId, element, input, isIdle, onSubmit } from './dom.js';
import { hasKeys, keptKey, newKey } from './keys.js';
import { Log } from './log.js';
import { Registrant } from './registrant.js';
import { event, saying } from './talk.js';
import { beginning, visible } from './visible.js';

/** How much of a key is shown where all of it would be in the way. */
const SHORT = 8;

/** How much of what was to be sent is repeated where it was not, in UTF-16 units. */
const LONGEST_ECHO = 200;

const KEY = /^[A-Za-z0-9_-]{43}$/;

const REGISTERED = 'Registered: others reach you by your key.';

const NO_KEYS =
  'Browsers sign only on pages that come over TLS, or from the machine that they run on. Open this page ' +
  'at localhost, or start the server with --tls-cert and --tls-key (for a try: --tls-self-signed).';

const NO_KEY =
  'There is no key that can be used. A new key may mend that; if not, this browser cannot make an Ed25519 ' +
  'key, or may not keep one, as in a private window.';

/** @returns {import('./main.js').Tab} */
export function registrationTab() {
  const status = new Status('registration-status');
  const log = new Log(byId('registration-log', HTMLElement));
  const address = byId('registration-key', HTMLElement);
  const dialog = byId('registration-dialog', HTMLDialogElement);
  const to = input('registration-to');
  const text = input('registration-text');
  /** @type {import('./keys.js').Key | undefined} */
  let key;
  /** @type {Registrant | undefined} */
  let registrant;
  /** What there is to say about the end before it comes. @type {string | undefined} */
  let last;
  /** Who was heard last. @type {Element | undefined} */
  let newest;
  let hasBegun = false;
  /** Whether a key is being fetched or made. */
  let isBusy = false;

  function enable() {
    const isRegistered = registrant?.isRegistered === true;
    button('registration-copy').disabled = key === undefined;
    button('registration-new-key').disabled = isBusy || !hasKeys() || registrant !== undefined;
    button('registration-connect').disabled = isBusy || key === undefined || registrant !== undefined;
    button('registration-disconnect').disabled = registrant === undefined;
    button('registration-send').disabled = !isRegistered;
    text.disabled = !isRegistered;
  }

  /** @param {Promise<import('./keys.js').Key>} promised */
  async function take(promised) {
    isBusy = true;
    enable();
    try {
      key = await promised;
      address.textContent = key.address;
      status.say('Not registered.');
    } catch {
      key = undefined;
      address.textContent = '–';
      status.say(NO_KEY, 'bad');
    }
    isBusy = false;
    enable();
  }

  function sayRegistered() {
    last = undefined;
    status.say(REGISTERED, 'good');
  }

  async function connect() {
    if (!key || isBusy || registrant) {
      return;
    }
    // Another tab may have made a new one.
    await take(keptKey());
    if (key) {
      register(key);
    }
  }

  /** @param {import('./keys.js').Key} key */
  function register(key) {
    last = undefined;
    status.say('Connecting …', 'busy');
    registrant = new Registrant(key, {
      registered() {
        sayRegistered();
        log.add(event('Registered.'));
        const isNew = text.disabled;
        enable();
        if (isNew && isIdle(button('registration-connect').form)) {
          // What comes next is to talk.
          text.focus();
        }
      },
      confirmed() {
        if (last) {
          sayRegistered();
        }
      },
      unregistered(words) {
        status.say(visible(words), 'bad');
        log.add(event('Registered no more.'));
        enable();
      },
      rejected(retries) {
        status.say(`The answer was rejected. Trying again: ${retries} left.`, 'bad');
        last = 'The server rejected this key.';
      },
      unsigned() {
        last = 'The browser does not sign with this key. Make a new one.';
      },
      foreign(challenge) {
        last = `The server wants something signed that is not for this host: ${visible(challenge.slice(0, 120))}`;
      },
      heard({ from, text: said, timestamp }) {
        log.add(saying({ timestamp, who: who(from), text: said, isOwn: from === key.address }));
      },
      delivered(line, connections) {
        if (registrant?.isRegistered) {
          sayRegistered();
        }
        log.add(own(line, connections));
        log.follow();
      },
      refused(words, line) {
        const what = line ? ` Not sent: ${beginning(line.text, LONGEST_ECHO)}` : '';
        log.add(event(`${visible(words)}${what}`));
        if (registrant?.isRegistered) {
          sayRegistered();
        }
      },
      held: (wait) => status.say(`Too fast: it goes on in ${Math.ceil(wait / 1000)} s.`, 'busy'),
      ended(end, unsaid) {
        registrant = undefined;
        const words = last ?? inWords(end);
        const lost = beginning(unsaid.map((line) => line.text).join(' / '), LONGEST_ECHO);
        const isGood = end.ours && end.opened && last === undefined;
        status.say(lost ? `${words} Not sent: ${lost}` : words, isGood ? 'idle' : 'bad');
        enable();
      },
    });
    enable();
  }

  /** @param {string} from */
  function who(from) {
    const short = visible(from.slice(0, SHORT));
    const label = { title: visible(from), 'aria-label': `Answer ${short}` };
    const chip = element('button', { type: 'button', class: 'who', ...label }, short);
    // The tab key goes to the newest only, and not through hundreds of them.
    newest?.setAttribute('tabindex', '-1');
    newest = chip;
    chip.addEventListener('click', () => {
      to.value = from;
      text.focus();
    });
    return chip;
  }

  function send() {
    const wish = to.value.trim();
    if (!registrant?.isRegistered) {
      return;
    }
    if (wish && !KEY.test(wish)) {
      status.say('That is no public key: 43 letters, digits, - and _. Leave it empty for everyone.', 'bad');
    } else if (!text.value.trim()) {
      status.say('There is nothing to send yet.', 'bad');
    } else if (registrant.say(wish ? { text: text.value, to: wish } : { text: text.value })) {
      text.value = '';
    } else {
      status.say('So much waits to be sent already: wait a moment.', 'bad');
    }
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(key?.address ?? '');
      status.say('The key is copied.', registrant?.isRegistered ? 'good' : 'idle');
    } catch {
      getSelection()?.selectAllChildren(address);
      status.say('The browser does not let the page copy: the key is selected, copy it yourself.', 'bad');
    }
  }

  button('registration-copy').addEventListener('click', copy);
  button('registration-new-key').addEventListener('click', () => dialog.showModal());
  button('registration-new-key-no').addEventListener('click', () => dialog.close());
  button('registration-new-key-yes').addEventListener('click', () => {
    dialog.close();
    status.say('Making a key …', 'busy');
    take(newKey('in any case'));
  });
  button('registration-disconnect').addEventListener('click', () => registrant?.leave());
  onSubmit(button('registration-connect'), connect);
  onSubmit(text, send);
  enable();
  return {
    shown() {
      if (hasBegun) {
        return;
      }
      hasBegun = true;
      if (hasKeys()) {
        status.say('Looking for the key …', 'busy');
        take(keptKey());
      } else {
        status.say(NO_KEYS, 'bad');
      }
    },
  };
}

/**
 * A line of one's own that has been passed on.
 * @param {import('./registrant.js').Line} line
 * @param {number} connections to how many
 */
function own({ text, to }, connections) {
  const whom = `you to ${to ? to.slice(0, SHORT) : others(connections)}`;
  const name = element('bdi', to ? { class: 'who', title: to } : { class: 'who' }, whom);
  return saying({ timestamp: Date.now() / 1000, who: name, text, isOwn: true });
}

/** @param {number} count */
function others(count) {
  switch (count) {
    case 0:
      return 'nobody';
    case 1:
      return '1 other';
    default:
      return `${count} others`;
  }
}
