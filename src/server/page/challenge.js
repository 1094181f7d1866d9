// @ts-check
// The Challenge tab: the timing game, played by hand or watched.

import { Status, button, byId, input, onSubmit } from './dom.js';
import { INTERVALS } from './intervals.js';
import { Play } from './play.js';
import { Rounds } from './rounds.js';
import { Watch } from './watch.js';

/** What keys write into, rather than answer with. */
const WRITABLE = 'input, select, textarea';

/** @returns {import('./main.js').Tab} */
export function challengeTab() {
  const token = input('challenge-token');
  const status = new Status('challenge-status');
  const rounds = new Rounds();
  const clock = new Clock(rounds);
  const answers = byId('challenge-answers', HTMLElement);
  let isShown = false;
  /** @type {Play | Watch | undefined} */
  let game;

  function enable() {
    const isAsking = game instanceof Play && game.isAsking;
    // A button that is disabled loses the focus, and with it a reader's place on the page.
    if (!isAsking && document.activeElement?.matches('.answer')) {
      answers.focus();
    }
    button('challenge-play').disabled = game !== undefined;
    button('challenge-watch').disabled = game !== undefined;
    button('challenge-stop').disabled = game === undefined;
    for (const { ms } of INTERVALS) {
      button(`answer-${ms}`).disabled = !isAsking;
    }
  }

  /** @type {import('./play.js').Callbacks} */
  const callbacks = {
    opened() {
      clock.start();
      status.say('The clock runs until the first beat.', 'busy');
    },
    beat(round) {
      clock.start();
      rounds.add(round);
      const asked = game instanceof Play ? 'how long was it?' : `answered ${round.answer}.`;
      status.say(`Round ${round.number}: ${asked}`, 'busy');
      enable();
    },
    told(known) {
      rounds.tell(known);
      enable();
    },
    ended: end,
  };

  /**
   * @param {string} words
   * @param {import('./dom.js').Mood} mood
   */
  function end(words, mood) {
    game = undefined;
    clock.stop();
    status.say(words, mood);
    enable();
  }

  /**
   * @param {string} words
   * @param {() => Play | Watch} start
   */
  function begin(words, start) {
    if (game) {
      return;
    }
    rounds.clear();
    status.say(words, 'busy');
    game = start();
    enable();
    // The keys are for answers now, and not for the access token.
    answers.focus({ preventScroll: true });
  }

  function stop() {
    game?.stop();
    end('Stopped.', 'idle');
    button('challenge-play').focus();
  }

  /** @param {number} ms */
  function answer(ms) {
    if (game instanceof Play) {
      game.answer(ms);
    }
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    const isOurs = isShown && !event.repeat && !event.ctrlKey && !event.altKey && !event.metaKey;
    const isWritten = event.target instanceof Element && event.target.matches(WRITABLE);
    const interval = /^[1-5]$/.test(event.key) && INTERVALS[Number(event.key) - 1];
    if (isOurs && !isWritten && interval) {
      answer(interval.ms);
    }
  }

  for (const { ms } of INTERVALS) {
    button(`answer-${ms}`).addEventListener('click', () => answer(ms));
  }
  document.addEventListener('keydown', pressed);
  onSubmit(token, () => begin('Asking for a game …', () => new Play(token.value.trim(), callbacks)));
  button('challenge-watch').addEventListener('click', () =>
    begin('Connecting …', () => new Watch(callbacks)),
  );
  button('challenge-stop').addEventListener('click', stop);
  status.say('No game is on.');
  enable();
  return {
    shown() {
      isShown = true;
    },
    hidden() {
      isShown = false;
    },
  };
}

/** The time since the newest beat, as it passes. */
class Clock {
  #rounds;
  #face = byId('challenge-clock', HTMLElement);
  #since = 0;
  #frame = 0;

  /** @param {Rounds} rounds where it is drawn as well */
  constructor(rounds) {
    this.#rounds = rounds;
    rounds.point(undefined);
  }

  /** Starts from zero. */
  start() {
    this.#since = performance.now();
    cancelAnimationFrame(this.#frame);
    this.#tick();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#face.textContent = '0.0';
    this.#rounds.point(undefined);
  }

  #tick() {
    const elapsed = performance.now() - this.#since;
    const face = (elapsed / 1000).toFixed(1);
    if (this.#face.textContent !== face) {
      this.#face.textContent = face;
    }
    this.#rounds.point(elapsed);
    this.#frame = requestAnimationFrame(() => this.#tick());
  }
}
