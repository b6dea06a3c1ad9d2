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
}

export function dockerAnswers(): DockerAnswers {
  return JSON.parse(readFileSync(fixture('oracle/docker.json'), 'utf8')) as DockerAnswers;
}
