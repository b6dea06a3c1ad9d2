// LayerPool: the blobs that are open in this process, shared by all mounts and images that open the same bytes.
//
// The same bytes are the same range of the same unchanged file (BlobIdentity): its descriptor, its spans and its blocks in
// the cache are there once. Blobs of one digest in different files share their spans alone: each is read from its own file,
// so that a file that is written over spoils its own users only. Bytes that were never verified are not shared, except for
// layers of a registry that are partly here: their key names the index that is believed.
import { SharedValues } from './shared-values.ts';
import type { IndexedBlob } from './index-file.ts';
import type { LayerIndex } from './layer-index.ts';
import type { Layer, LayerBytes } from './layer.ts';

interface PooledLayer {
  readonly bytes: LayerBytes;
  /** Kept only while somebody uses it: a mount needs the bytes alone. */
  index: WeakRef<LayerIndex> | undefined;
}

export class LayerPool {
  readonly #layers = new SharedValues<PooledLayer>();
  /** Layers that are being closed, by key. They still hold their files. */
  readonly #closing = new Map<string, Promise<void>>();

  /** Layers that are open. */
  get size(): number {
    return this.#layers.size;
  }

  /** As SharedValues.inTurn: `key` names the bytes (BlobIdentity). A layer of this key that is being closed is waited for. */
  inTurn<R>(key: string, signal: AbortSignal | undefined, body: () => Promise<R>): Promise<R> {
    return this.#layers.inTurn(key, signal, async () => {
      await this.#closing.get(key);
      return body();
    });
  }

  /** The open bytes of `key`, if `accepts` them; the caller closes what it gets. */
  take(key: string, accepts: (bytes: LayerBytes) => boolean): LayerBytes | undefined {
    const lease = this.#layers.take(key);
    if (lease === undefined) return undefined;
    if (accepts(lease.value.bytes)) return { ...lease.value.bytes, close: lease.release };
    lease.release();
    return undefined;
  }

  /** The index of the open bytes of `key`, if somebody still uses it. */
  indexOf(key: string): LayerIndex | undefined {
    const lease = this.#layers.take(key);
    lease?.release();
    return lease?.value.index?.deref();
  }

  /** Shares `opened` from now on, and returns it as the caller's. If its bytes are open already, those are returned. */
  add<Opened extends LayerBytes | Layer>(key: string, opened: Opened): Opened {
    if (opened.digest === undefined && opened.indexId === undefined) return opened;
    const index = 'index' in opened ? new WeakRef(opened.index) : undefined;
    const open = this.#layers.take(key);
    if (open !== undefined) {
      if (open.value.index?.deref() === undefined) open.value.index = index;
      if (open.value.bytes.digest === opened.digest) {
        opened.close();
        return { ...opened, ...open.value.bytes, close: open.release };
      }
      open.release();
      return opened;
    }
    const { reader, compression, digest, diffId, indexId, facts, close, closed } = opened;
    const bytes = { reader, compression, digest, diffId, indexId, facts, close, closed };
    const lease = this.#layers.add(key, { bytes, index }, () => this.#close(key, bytes));
    return { ...opened, close: lease.release };
  }

  #close(key: string, { close, closed }: LayerBytes): void {
    close();
    if (closed === undefined) return;
    this.#closing.set(key, closed);
    void closed.then(() => {
      if (this.#closing.get(key) === closed) this.#closing.delete(key);
    });
  }

  /** The facts about the blob with this sha256 (hex), if it is open from any file. */
  factsOf(sha256: string): IndexedBlob | undefined {
    for (const { bytes } of this.#layers.values()) {
      if (bytes.facts?.blobSha256 === sha256) return bytes.facts;
    }
    return undefined;
  }
}
