export { DispatchNewsletter } from './dispatch-newsletter.ts';
export { ProcessEvents } from './process-events.ts';
export { SendBatch } from './send-batch.ts';
export { SendConfirmation } from './send-confirmation.ts';
export { SendTestMessage } from './send-test-message.ts';
