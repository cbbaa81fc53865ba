interface Entry<Value> {
  readonly value: Value;
  readonly bytes: number;
}

/** What the cache did since the process began, and holds now. */
export interface BodyCacheStatistics {
  readonly hits: number;
  readonly misses: number;
  /** Bodies that had to make room. */
  readonly evictions: number;
  readonly entries: number;
  readonly bytes: number;
  readonly maximumBytes: number;
}

/**
 * EXM's message body cache: the bodies that a process has rendered, one per content, variant, language and encoding,
 * bounded by bytes. Whatever was not used for longest makes room. A body that is larger than all of it is not kept.
 */
export class BodyCache<Value extends { readonly bytes: number }> {
  readonly #entries = new Map<string, Entry<Value | undefined>>();
  readonly #maximumBytes: number;
  /** The key that was used last: it need not be moved to the end again. */
  #newest: string | undefined;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  /** @param maximumBytes EXM's MessageBodyMaxCacheSize */
  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  get statistics(): BodyCacheStatistics {
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      entries: this.#entries.size,
      bytes: this.#bytes,
      maximumBytes: this.#maximumBytes,
    };
  }

  /** The body of a key; made, and kept, where there is none. Undefined where `make` says that there can be none. */
  get(key: string, make: () => Value | undefined): Value | undefined {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#hits++;
      if (this.#newest !== key) {
        this.#entries.delete(key);
        this.#entries.set(key, known);
        this.#newest = key;
      }
      return known.value;
    }
    this.#misses++;
    const value = make();
    this.#keep(key, { value, bytes: (value?.bytes ?? 0) + key.length });
    return value;
  }

  #keep(key: string, entry: Entry<Value | undefined>): void {
    if (entry.bytes > this.#maximumBytes) return;
    this.#entries.set(key, entry);
    this.#newest = key;
    this.#bytes += entry.bytes;
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#maximumBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
      this.#evictions++;
    }
  }
}
