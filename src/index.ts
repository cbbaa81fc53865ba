export {
  type CreateCampaignOptions,
  type CreatedCampaign,
  createCampaign,
} from './campaigns/create-campaign.ts';
export * from './client.ts';
export { type CustomProcessor, type CustomStep, defineConfig, type ExmConfig } from './config/exm-config.ts';
export { type AudienceCounts, audienceOf } from './contacts/audience.ts';
export { type ChangedAddress, changeAddress } from './contacts/change-address.ts';
export { emailKey, parseEmailAddress } from './contacts/email-address.ts';
export { type ExportOptions, exportContacts } from './contacts/export-contacts.ts';
export { exportOptOuts, exportSuppression } from './contacts/export-refusals.ts';
export { type ForgottenContact, forgetContact } from './contacts/forget-contact.ts';
export {
  type ImportOptions,
  type ImportProgress,
  type ImportReport,
  importContacts,
} from './contacts/import-contacts.ts';
export {
  type ImportRefusalsOptions,
  importOptOuts,
  importSuppression,
  type RefusalsReport,
} from './contacts/import-refusals.ts';
export type { RefusedRow } from './contacts/import-row.ts';
export { type ListOptOutState, optInToList, optOutOfList } from './contacts/list-opt-out.ts';
export { createList, type ListReport, type ListSummary, listLists, showList } from './contacts/lists.ts';
export type {
  DispatchManager,
  ManagedCampaign,
  ManagedRecipient,
  OverrulableReason,
} from './contacts/managed/dispatch-manager.ts';
export { type OptOutState, optIn, optOut } from './contacts/opt-out.ts';
export { type ContactReport, showContact } from './contacts/show-contact.ts';
export {
  type GivenContact,
  type UpsertedContact,
  type UpsertOptions,
  upsertContact,
} from './contacts/upsert-contact.ts';
export { closeDatabase, connectDatabase, type Database } from './db/connect.ts';
export type { OutgoingEmail } from './dispatch/send-email-pipeline.ts';
export { type Finding, FindingsError } from './message/check/findings.ts';
export type { CampaignDefinition, FileReference } from './message/content.ts';
export { type CampaignFile, readCampaignFile } from './message/definition/campaign-file.ts';
export { fileReference } from './message/definition/campaign-files.ts';
export { RecipientFailedError } from './message/recipient-failed-error.ts';
