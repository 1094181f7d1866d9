// @ts-check
// Asking a server for one thing after the other.

/** How much may wait for its turn: more than anybody types while one answer is under way. */
const MOST_WAITING = 20;

/** How long to wait if a server wants something later and does not say when, in milliseconds. */
const PAUSE = 1000;

/** The longest wait that a server may ask for, in milliseconds. */
const LONGEST_PAUSE = 60_000;

/**
 * What is asked of a server: the next one once the one before has been answered. So it is known what an
 * answer is about, and what is refused for coming too fast can be asked again in its place.
 * @template Request
 */
export class Turns {
  /** @type {Request[]} */
  #waiting = [];
  /** @type {Request | undefined} */
  #asked;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;
  #isOver = false;
  #mayGo;
  #ask;

  /**
   * @param {(request: Request) => boolean} mayGo whether it may be asked for yet
   * @param {(request: Request) => void} ask sends it
   */
  constructor(mayGo, ask) {
    this.#mayGo = mayGo;
    this.#ask = ask;
  }

  /** What is under way. */
  get asked() {
    return this.#asked;
  }

  /**
   * @param {Request} request
   * @returns {boolean} whether there was room for it
   */
  add(request) {
    if (this.#waiting.length >= MOST_WAITING) {
      return false;
    }
    this.#waiting.push(request);
    this.go();
    return true;
  }

  /**
   * Asks for this before anything else that waits.
   * @param {Request} request
   */
  addFirst(request) {
    this.#waiting.unshift(request);
    this.go();
  }

  /**
   * The server does this without being asked, and answers as if it had been.
   * @param {Request} request
   */
  await(request) {
    this.#asked = request;
  }

  /** What was under way has been answered. */
  answered() {
    const asked = this.#asked;
    this.#asked = undefined;
    this.go();
    return asked;
  }

  /** What was under way is to be asked for again as soon as it may go. */
  again() {
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked !== undefined) {
      this.addFirst(asked);
    }
  }

  /**
   * What was under way is to be asked for again later.
   * @param {unknown} wait in milliseconds, as the server has it
   * @returns {number} the wait
   */
  later(wait) {
    const isSane = typeof wait === 'number' && wait >= 0;
    const pause = isSane ? Math.min(wait, LONGEST_PAUSE) : PAUSE;
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.go();
    }, pause);
    this.again();
    return pause;
  }

  /** Asks for the first one that may go. To be called when another one may than before. */
  go() {
    if (this.#asked !== undefined || this.#pause !== undefined || this.#isOver) {
      return;
    }
    const next = this.#waiting.findIndex(this.#mayGo);
    if (next >= 0) {
      const [request] = this.#waiting.splice(next, 1);
      this.#asked = request;
      this.#ask(request);
    }
  }

  /**
   * Forgets what waits.
   * @returns {Request[]} that
   */
  drop() {
    return this.#waiting.splice(0);
  }

  /**
   * The connection is gone.
   * @returns {Request[]} what has not been answered
   */
  end() {
    this.#isOver = true;
    clearTimeout(this.#pause);
    const asked = this.#asked === undefined ? [] : [this.#asked];
    this.#asked = undefined;
    return [...asked, ...this.drop()];
  }
}
