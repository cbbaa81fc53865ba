import { type HttpLoad, loadHttp } from './load-http.ts';

/** The process that asks content-delivery: what it is sent is one load, and it answers with what came of it. Ends with its parent. */
process.on('message', async (load: HttpLoad) => {
  process.send?.(await loadHttp(load));
});
process.on('disconnect', () => process.exit());
