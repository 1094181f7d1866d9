// @ts-check
// The five intervals of the challenge, and what its server says.

/**
 * How long the server waited before a beat, and the elapsed times that are taken for it: from the
 * lower edge to just below the upper one. All in milliseconds.
 * @typedef {object} Interval
 * @property {number} ms
 * @property {number} from
 * @property {number} to
 */

/**
 * All of them, shortest first. The edges lie halfway to the neighbours, as in the program.
 * @type {readonly Interval[]}
 */
export const INTERVALS = [
  { ms: 700, from: 0, to: 1100 },
  { ms: 1500, from: 1100, to: 1750 },
  { ms: 2000, from: 1750, to: 2250 },
  { ms: 2500, from: 2250, to: 2750 },
  { ms: 3000, from: 2750, to: Infinity },
];

/**
 * The interval that an elapsed time is taken for.
 * @param {number} elapsed
 * @returns {number}
 */
export function nearest(elapsed) {
  const found = INTERVALS.find(({ to }) => elapsed < to);
  return found ? found.ms : 3000;
}

/**
 * How far an elapsed time is from the nearer edge of the window of an answer: negative outside.
 * @param {number} elapsed
 * @param {number} answer
 * @returns {number | undefined} nothing for an answer that is none of the five
 */
export function margin(elapsed, answer) {
  const interval = INTERVALS.find(({ ms }) => ms === answer);
  return interval && Math.min(elapsed - interval.from, interval.to - elapsed);
}

/**
 * What the server says in the challenge.
 * @typedef {{ kind: 'hello' | 'ping' | 'good' | 'ouch' | 'expired' | 'other' } | { kind: 'secret', secret: string }} Said
 */

/**
 * Reads a message as the program does: its first word decides, in any case.
 * @param {string} text
 * @returns {Said}
 */
export function read(text) {
  const [, first, rest] = /^(\S*)\s*(.*)$/s.exec(text.trim()) ?? ['', '', ''];
  switch (first.toLowerCase()) {
    case 'hello!':
      return { kind: 'hello' };
    case 'ping!':
      return { kind: 'ping' };
    case 'good!':
      return { kind: 'good' };
    case 'ouch!':
      return { kind: 'ouch' };
    case 'congratulations!':
      return secret(/"(.+)"/s.exec(rest)?.[1]);
    case 'secret:':
      return secret(rest);
    case 'expired':
      return { kind: rest.startsWith('challenge token') ? 'expired' : 'other' };
    default:
      return { kind: 'other' };
  }
}

/**
 * @param {string | undefined} phrase
 * @returns {Said}
 */
const secret = (phrase) => (phrase ? { kind: 'secret', secret: phrase } : { kind: 'other' });
