export * from './client.ts';
export { type CustomProcessor, type CustomStep, defineConfig, type ExmConfig } from './config/exm-config.ts';
export type { OutgoingEmail } from './dispatch/send-email-pipeline.ts';
export { RecipientFailedError } from './message/recipient-failed-error.ts';
