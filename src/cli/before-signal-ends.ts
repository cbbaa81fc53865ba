const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Tidies up where a person or a system ends the process; the signal then does what it does, be it by whoever else
 * listens for it. @returns withdraws it
 */
export function beforeSignalEnds(tidy: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    withdraw();
    tidy();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const withdraw = () => {
    for (const signal of endingSignals) process.off(signal, onSignal);
  };
  // Before those who say something about the stop, which belongs below what was tidied up.
  for (const signal of endingSignals) process.prependListener(signal, onSignal);
  return withdraw;
}
