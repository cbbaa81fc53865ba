import type { Keys } from '../config/keys.ts';
import type { Database } from '../db/connect.ts';
import { BodyCache } from '../message/body-cache.ts';
import { type MessageBodyCache, MessageComposer } from '../message/compose.ts';
import type { FrozenContent } from '../message/content.ts';
import { type FileBytes, loadFiles } from '../message/content-files.ts';
import type { DkimSigner } from '../message/dkim/dkim.ts';
import { loadContent } from '../message/freeze/deploy.ts';
import { ruleSetOf } from '../message/rules/rule-set.ts';
import { loadReturnPaths } from './load-return-paths.ts';

/** Campaigns whose content a process keeps ready. */
const keptContents = 8;
/** Of the attachments and embedded images of all of them together; those of the one that is being sent are kept, however large. */
const keptFileBytes = 16 * 1024 * 1024;

export interface LoadedContent {
  readonly frozen: FrozenContent;
  /** Its attachments and embedded images. */
  readonly files: FileBytes;
  readonly composer: MessageComposer;
}

export interface ContentCacheOptions {
  /** EXM's MessageBodyMaxCacheSize, bytes. */
  readonly messageBodyMaxCacheSize: number;
  /** EXM_BOUNCE_DOMAIN: what comes back of messages comes to addresses of it. Left out: to the sender. */
  readonly bounceDomain?: string | undefined;
  /** Signs the messages of its own senders. */
  readonly signer?: DkimSigner | undefined;
  /** Told of each content with a sender that the signer does not sign for. */
  readonly onUnsigned?: (campaignId: string, sender: string) => void;
}

const bytesOf = (files: FileBytes) => [...files.values()].reduce((sum, { length }) => sum + length, 0);

/** The frozen contents that this process holds, by hash: loaded from the shared database and checked once each. */
export class ContentCache {
  /** Bodies made ready, of all contents together. */
  readonly bodies: MessageBodyCache;
  /** In the order in which they were asked for last. */
  private readonly contents = new Map<string, Promise<LoadedContent>>();
  /** Bytes of the files of each content that is loaded. */
  private readonly sizes = new Map<string, number>();

  constructor(
    private readonly db: Database,
    private readonly keys: Keys,
    private readonly options: ContentCacheOptions,
  ) {
    this.bodies = new BodyCache(options.messageBodyMaxCacheSize);
  }

  /** @throws FailedError where the stored bytes are not those of the hash */
  async load(hash: string): Promise<LoadedContent> {
    const kept = this.contents.get(hash);
    const loading = kept ?? this.loadOnce(hash);
    this.contents.delete(hash);
    this.contents.set(hash, loading);
    try {
      const content = await loading;
      if (this.contents.has(hash)) this.sizes.set(hash, bytesOf(content.files));
      this.makeRoom();
      return content;
    } catch (error) {
      this.contents.delete(hash);
      throw error;
    }
  }

  /** Bytes of attachments and embedded images that are held. */
  get fileBytes(): number {
    return [...this.sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  private makeRoom(): void {
    for (const oldest of this.contents.keys()) {
      if (this.contents.size === 1) return;
      if (this.contents.size <= keptContents && this.fileBytes <= keptFileBytes) return;
      this.contents.delete(oldest);
      this.sizes.delete(oldest);
    }
  }

  private async loadOnce(hash: string): Promise<LoadedContent> {
    const frozen = await loadContent(this.db, hash);
    // Rules that this version cannot read stop the campaign here, before they would change anybody's message.
    ruleSetOf(frozen);
    const files = await loadFiles(this.db, frozen);
    const cache = { bodies: this.bodies, contentHash: hash };
    const { signer } = this.options;
    this.lookForUnsigned(frozen);
    const returnPaths = await loadReturnPaths(this.db, frozen.campaignId, this.options.bounceDomain);
    const options = { files, cache, signer, returnPaths };
    return { frozen, files, composer: new MessageComposer(frozen, this.keys, options) };
  }

  private lookForUnsigned({ campaignId, from, bodies }: FrozenContent): void {
    const { signer, onUnsigned } = this.options;
    const senders = new Set(bodies.map((body) => (body.from ?? from).address));
    for (const sender of senders) if (signer?.signsFor(sender) === false) onUnsigned?.(campaignId, sender);
  }
}
