/** A command was called in a way that it does not know: the message is shown with its usage, and it exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
