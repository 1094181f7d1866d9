// @ts-check
// The Chat tab: a channel, who is there, and what they say.

import { inWords } from './connection.js';
import { Status, button, byId, element, input, isIdle, onSubmit } from './dom.js';
import { Guest } from './guest.js';
import { Log } from './log.js';
import { People } from './people.js';
import { event, saying } from './talk.js';
import { ticketFor } from './ticket.js';
import { beginning, visible } from './visible.js';

/** How many characters the name of a channel may have. */
const LONGEST_CHANNEL = 64;

/** How much of what was said is repeated where it was not, in UTF-16 units. */
const LONGEST_ECHO = 200;

/** What a channel's name must not have in it: what is not seen, and white space other than a space. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]|(?! )\s/u;

/** @returns {import('./main.js').Tab} */
export function chatTab() {
  const wish = { channel: input('chat-channel'), name: input('chat-name') };
  const password = input('chat-password');
  const text = input('chat-text');
  const status = new Status('chat-status');
  const log = new Log(byId('chat-log', HTMLElement));
  const people = new People();
  /** @type {Guest | undefined} */
  let guest;
  /** The channel that it is in. */
  let channel = '';
  /** What there is to say about the end before it comes. @type {string | undefined} */
  let last;

  /** What the fields ask for. White space around a name is never meant. */
  const wished = () => ({ channel: wish.channel.value.trim(), name: wish.name.value.trim() });

  function enable() {
    const isNamed = guest?.name !== undefined;
    const { channel: id, name } = wished();
    const isThere = id === channel && name === guest?.name;
    const enter = button('chat-enter');
    // On the way in there is nothing to enter yet; once there, only another channel or name.
    enter.disabled = guest !== undefined && (channel === '' || isThere);
    enter.textContent = guest && channel ? 'Change' : 'Enter';
    button('chat-leave').disabled = guest === undefined;
    button('chat-say').disabled = !isNamed;
    text.disabled = !isNamed;
  }

  function sayWhere() {
    status.say(`In ${visible(channel)} as ${visible(guest?.name ?? '')}.`, 'good');
  }

  function submit() {
    const { channel: id, name } = wished();
    const wrong = wrongChannel(id);
    if (wrong) {
      status.say(wrong, 'bad');
    } else if (!guest) {
      enter(id, name);
    } else if (channel) {
      change(guest, id, name);
    }
    enable();
  }

  /**
   * @param {Guest} present
   * @param {string} id
   * @param {string} name
   */
  function change(present, id, name) {
    if (id !== channel) {
      present.join(id);
    }
    if (name !== present.name) {
      present.rename(name);
    }
  }

  /**
   * @param {string} id
   * @param {string} name
   */
  function enter(id, name) {
    last = undefined;
    status.say(`Entering ${visible(id)} …`, 'busy');
    guest = new Guest(id, name, {
      entered(there) {
        channel = there;
        log.clear();
        people.clear();
        enable();
      },
      named() {
        const isNew = text.disabled;
        sayWhere();
        people.show(guest?.name);
        enable();
        if (isNew && isIdle(wish.name.form)) {
          // What comes next is to talk.
          text.focus();
        }
      },
      unnamed(lost) {
        const words = 'You have no name here, and cannot speak. Choose another one.';
        status.say(lost ? `${words} What you said last was not passed on.` : words, 'bad');
        enable();
      },
      heard({ user, text: said, timestamp }) {
        const who = element('bdi', { class: 'who' }, visible(user));
        log.add(saying({ timestamp, who, text: said, isOwn: user === guest?.name }));
      },
      said: sayWhere,
      presence({ came, went, total }) {
        const news = people.change(came, went, total, guest?.name);
        if (news) {
          log.add(event(news));
        }
      },
      refused(words) {
        status.say(visible(words), 'bad');
        if (!channel) {
          // Not even let in: the server would wait for nothing.
          giveUp(visible(words));
        }
        enable();
      },
      held: (wait) => status.say(`Too fast: it goes on in ${Math.ceil(wait / 1000)} s.`, 'busy'),
      ticketNeeded: () => showTicket(name),
      ended(end, unsaid) {
        const words = last ?? inWords(end);
        const isGood = end.ours && end.opened && last === undefined;
        const lost = beginning(unsaid.join(' / '), LONGEST_ECHO);
        status.say(lost ? `${words} Not said: ${lost}` : words, isGood ? 'idle' : 'bad');
        guest = undefined;
        channel = '';
        people.clear();
        enable();
      },
    });
  }

  /** @param {string} why */
  function giveUp(why) {
    last = why;
    guest?.leave();
  }

  /** @param {string} name */
  async function showTicket(name) {
    const asking = guest;
    byId('chat-password-field', HTMLElement).hidden = false;
    if (!password.value) {
      giveUp('This server wants a password. Fill it in, and enter.');
      password.focus();
      return;
    }
    status.say('Asking for a ticket …', 'busy');
    try {
      asking?.show(await ticketFor(name, password.value));
    } catch (error) {
      if (asking === guest) {
        giveUp(error instanceof Error ? error.message : String(error));
      }
    }
  }

  function say() {
    if (guest?.name === undefined) {
      return;
    }
    if (!text.value.trim()) {
      status.say('There is nothing to say yet.', 'bad');
    } else if (guest.say(text.value)) {
      text.value = '';
      log.follow();
    } else {
      status.say('So much waits to be said already: wait a moment.', 'bad');
    }
  }

  status.say('Not connected.');
  wish.channel.addEventListener('input', enable);
  wish.name.addEventListener('input', enable);
  button('chat-leave').addEventListener('click', () => guest?.leave());
  onSubmit(wish.name, submit);
  onSubmit(text, say);
  enable();
  return {};
}

/**
 * What is wrong with the name of a channel, if anything. The server would say so as well, but a browser
 * does not tell what a server says instead of opening a connection.
 * @param {string} id
 * @returns {string | undefined}
 */
function wrongChannel(id) {
  if ([...id].length > LONGEST_CHANNEL) {
    return `The name of a channel has ${LONGEST_CHANNEL} characters at the most.`;
  }
  if (id.includes('/')) {
    return 'There is no slash in the name of a channel.';
  }
  if (UNSEEN.test(id) || visible(id) !== id) {
    return 'The name of a channel has only characters in it that can be seen.';
  }
  if (id === '.' || id === '..') {
    return 'A channel with this name has no address: in addresses, it stands for another place.';
  }
  return id ? undefined : 'Which channel?';
}
