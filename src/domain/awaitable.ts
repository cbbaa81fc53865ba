/**
 * A value that is mostly there already. What is done for each message waits for a promise only where there is one: in a
 * process with Temporal's SDK each costs some thousand instructions, for the SDK follows its activities' contexts through them.
 */
export type Awaitable<T> = T | Promise<T>;
