/** Set-up cannot go on. The message is one line that says what to do about it. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
