import { bounceDomainOf, type LocalRun } from './local-run.ts';
import type { RunningProgram } from './program.ts';

/** The workers with pages, first, so that the address of the tracking links is known before anything is sent. */
export async function startPages(run: LocalRun): Promise<{ tracking: string; reports: string }> {
  const listening = (role: 'content-delivery' | 'reporting', port: number, signal: AbortSignal) =>
    run.startWorkerProgram(role, [role, '--name', role, '--listen', `127.0.0.1:${port}`], signal);
  const delivery = await run.startWorker('content-delivery', (signal) =>
    run.ports.use('tracking', (port) => {
      run.env['EXM_BASE_URL'] = run.options.env['EXM_BASE_URL'] || `http://127.0.0.1:${port}`;
      return listening('content-delivery', port, signal);
    }),
  );
  const reporting = await run.startWorker('reporting', (signal) =>
    run.ports.use('reports', (port) => listening('reporting', port, signal)),
  );
  return { tracking: delivery.address, reports: reporting.address };
}

/** One primary that doesn't send, one processing worker, and the dispatchers. Returns the names of the latter. */
export async function startWorkers(run: LocalRun, dispatchers: number): Promise<readonly string[]> {
  const start = (name: string, ...args: string[]) =>
    run.startWorker(name, (signal) => run.startWorkerProgram(name, [...args, '--name', name], signal));
  const names = Array.from({ length: dispatchers }, (_, index) => `dispatch-${index + 1}`);
  await Promise.all([
    start('primary', 'primary', '--no-dispatch'),
    run.startWorker('processing', (signal) => startProcessing(run, signal)),
    ...names.map((name) => start(name, 'dedicated-dispatch')),
  ]);
  return names;
}

/** It takes bounces by SMTP where there is a domain to take them for. */
function startProcessing(run: LocalRun, signal: AbortSignal): Promise<RunningProgram> {
  const start = (...args: string[]) =>
    run.startWorkerProgram('processing', ['processing', '--name', 'processing', ...args], signal);
  if (bounceDomainOf(run) === undefined) return start();
  return run.ports.use('receive', (port) => start('--receive', `127.0.0.1:${port}`));
}
