// @ts-check
// A ticket for a password, from servers that want one.

/** How long an answer may take, in milliseconds: passwords are slow to verify, on purpose. */
const LIMIT = 10_000;

/**
 * Asks for a ticket, which is good for one connection.
 * @param {string} user
 * @param {string} password
 * @returns {Promise<string>}
 * @throws {Error} that says why there is none
 */
export async function ticketFor(user, password) {
  const answer = await asked(user, password);
  if (answer.ok) {
    const { ticket } = await answer.json();
    return String(ticket);
  }
  throw new Error(await refusal(answer));
}

/**
 * @param {string} user
 * @param {string} password
 */
async function asked(user, password) {
  try {
    return await fetch('/ticket', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user, password }),
      signal: AbortSignal.timeout(LIMIT),
    });
  } catch {
    throw new Error('The server gave no ticket: it does not answer.');
  }
}

/** @param {Response} answer */
async function refusal(answer) {
  const wait = answer.headers.get('retry-after');
  if (answer.status === 429 && wait) {
    return `Too many wrong passwords: try again in ${wait} s.`;
  }
  if (answer.status === 401) {
    return 'The name or the password is wrong.';
  }
  return `The server gave no ticket: it answered ${answer.status}.`;
}
