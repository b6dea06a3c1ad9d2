// What a docker engine said of the fixtures (fixtures/oracle/docker.json).
import { readFileSync } from 'node:fs';
import { fixture } from '../mount/stratafs.ts';

export interface DockerHistoryItem {
  readonly Id: string;
  /** Seconds since 1970. */
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Comment: string;
  readonly Size: number;
}

export interface DockerAnswers {
  readonly history: Readonly<Record<string, readonly DockerHistoryItem[]>>;
  readonly images: readonly {
    readonly Id: string;
    readonly RepoTags: readonly string[];
    readonly Created: number;
    readonly Size: number;
  }[];
  /**
   * Of a container of the first image, its /usr replaced by the second's; of one that fixtures/make/changes.sh wrote to.
   * Kind: 0 changed, 1 added, 2 deleted.
   */
  readonly diff: Readonly<Record<string, readonly { readonly Kind: number; readonly Path: string }[]>>;
  /** Of the latter. */
  readonly ps: Readonly<Record<string, { readonly SizeRw: number; readonly SizeRootFs: number }>>;
  readonly df: {
    readonly LayersSize: number;
    readonly Images: readonly { readonly Id: string; readonly Size: number; readonly SharedSize: number }[];
  };
}

export function dockerAnswers(): DockerAnswers {
  return JSON.parse(readFileSync(fixture('oracle/docker.json'), 'utf8')) as DockerAnswers;
}
