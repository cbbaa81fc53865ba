export * from './schema/campaigns.ts';
export * from './schema/contacts.ts';
export * from './schema/dispatch.ts';
export * from './schema/events.ts';
export * from './schema/feedback.ts';
export * from './schema/subscriptions.ts';
