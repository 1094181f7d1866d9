// @ts-check
// Text of others, shown so that it cannot pass for another one.

/**
 * Characters that are not seen, or that turn the direction of writing around. The same as the program
 * shows as escapes on a terminal, but for line feeds and tabs, which the page shows as what they are.
 */
const DECEPTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** What text that is cut ends with. */
const MORE = ' …';

/**
 * A text with its deceptive characters as escapes, like `\u{202e}`.
 * @param {string} text
 * @returns {string}
 */
export function visible(text) {
  return text.replace(DECEPTIVE, (character) => {
    const code = /** @type {number} */ (character.codePointAt(0));
    return `\\u{${code.toString(16)}}`;
  });
}

/**
 * The beginning of a text, made visible.
 * @param {string} text
 * @param {number} longest how much of it is shown, in UTF-16 units
 * @returns {string}
 */
export function beginning(text, longest) {
  if (text.length <= longest) {
    return visible(text);
  }
  // A surrogate pair is not cut in two.
  const isPair = /[\ud800-\udbff]/.test(text.charAt(longest - 1));
  return visible(text.slice(0, isPair ? longest - 1 : longest)) + MORE;
}
