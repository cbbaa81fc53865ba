export {
  type CreateCampaignOptions,
  type CreatedCampaign,
  createCampaign,
} from './campaigns/create-campaign.ts';
export * from './client/client.ts';
export { type CustomProcessor, type CustomStep, defineConfig, type ExmConfig } from './config/exm-config.ts';
export { type ChangedAddress, changeAddress } from './contacts/addresses/change-address.ts';
export { emailKey, parseEmailAddress } from './contacts/addresses/email-address.ts';
export { type AudienceCounts, audienceOf } from './contacts/audience/audience.ts';
export type {
  DispatchManager,
  ManagedCampaign,
  ManagedRecipient,
  OverrulableReason,
} from './contacts/audience/managed/dispatch-manager.ts';
export { exportOptOuts, exportSuppression } from './contacts/consent/export-refusals.ts';
export { type ListOptOutState, optInToList, optOutOfList } from './contacts/consent/list-opt-out.ts';
export { type OptOutState, optIn, optOut } from './contacts/consent/opt-out.ts';
export { type ForgottenContact, forgetContact } from './contacts/erasure/forget-contact.ts';
export { type ExportOptions, exportContacts } from './contacts/export-contacts.ts';
export {
  type ImportOptions,
  type ImportProgress,
  type ImportReport,
  importContacts,
} from './contacts/import/import-contacts.ts';
export { importOptOuts } from './contacts/import/import-opt-outs.ts';
export type { ImportRefusalsOptions, RefusalsReport } from './contacts/import/import-refusals.ts';
export type { RefusedRow } from './contacts/import/import-row.ts';
export { importSuppression } from './contacts/import/import-suppression.ts';
export {
  createList,
  type ListReport,
  type ListSummary,
  listLists,
  showList,
} from './contacts/lists/lists.ts';
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
