export {
  type LocalAddresses,
  type LocalParts,
  type LocalPartsOptions,
  startLocalParts,
} from './local-parts.ts';
