// The steps of a history in Dockerfile's words.
//
// `created_by` is written by three builders: docker's old one ("/bin/sh -c #(nop) CMD [...]", and the bare command for
// RUN), buildah in the same words, and BuildKit ("RUN /bin/sh -c ... # buildkit", "COPY a b # buildkit"). What none of
// them wrote stands as it is, as a comment: nothing is made up.
import type { HistoryStep } from '../image/image.ts';

const DEFAULT_SHELL = ['/bin/sh', '-c'];
const INSTRUCTION =
  /^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)\s/;

/** Turns steps to instructions, base first: a SHELL changes how the RUNs behind it are written. */
export class DockerfileWriter {
  #shell: readonly string[] = DEFAULT_SHELL;

  /** The instruction of the next step; a comment where `created_by` is in no builder's words; '' where it is empty. */
  write(step: HistoryStep): string {
    const text = (step.createdBy ?? '').trim();
    if (text === '') return '';
    const nop = /^.*?#\(nop\)\s*/s.exec(text);
    const plain = (nop === null ? text : text.slice(nop[0].length)).replace(/\s+# buildkit$/, '');
    if (nop !== null || (INSTRUCTION.test(plain) && !plain.startsWith('RUN '))) {
      const instruction = this.#instruction(plain);
      this.#remember(instruction);
      return instruction;
    }
    const command = plain.replace(/^RUN /, '');
    for (const shell of [this.#shell.join(' '), DEFAULT_SHELL.join(' ')]) {
      const run = splitRun(command, shell);
      if (run === undefined) continue;
      const ahead = run.buildArguments === '' ? '' : `${comment(`built with ${run.buildArguments}`)}\n`;
      return `${ahead}RUN ${breakLines(run.script)}`;
    }
    // RUN in exec form; else nothing that a builder writes.
    return command === plain ? comment(text) : plain;
  }

  /** docker's old builder names what it copied by a hash: "COPY file:<sha256> in /app/ ". */
  #instruction(text: string): string {
    const copy = /^(ADD|COPY) ((?:(?:file|dir|multi):[0-9a-f]+ ?)+)in (.*?)\s*$/s.exec(text);
    if (copy === null) return breakLines(text);
    const [, word = '', sources = '', target = ''] = copy;
    const short = sources.trim().replace(/:([0-9a-f]{12})[0-9a-f]+/g, ':$1');
    return `${word} ${short} ${target}`;
  }

  #remember(instruction: string): void {
    const [, list] = /^SHELL (\[.*\])$/s.exec(instruction) ?? [];
    if (list === undefined) return;
    // JSON from BuildKit; docker's old builder prints a Go slice: [/bin/bash -c].
    this.#shell = parseWords(list) ?? list.slice(1, -1).split(' ');
  }
}

function parseWords(list: string): string[] | undefined {
  try {
    const words: unknown = JSON.parse(list);
    return Array.isArray(words) ? words.map(String) : undefined;
  } catch {
    return undefined; // SyntaxError: a Go slice
  }
}

/**
 * "/bin/sh -c SCRIPT", or "|2 A=1 B=2 /bin/sh -c SCRIPT" with the build arguments that a RUN saw, whose values may
 * hold spaces that nothing marks; undefined where `shell` runs nothing there.
 */
function splitRun(command: string, shell: string): { buildArguments: string; script: string } | undefined {
  if (command.startsWith(`${shell} `)) return { buildArguments: '', script: command.slice(shell.length + 1) };
  const [head] = /^\|\d{1,3} /.exec(command) ?? [];
  if (head === undefined) return undefined;
  const at = command.indexOf(` ${shell} `, head.length - 1);
  if (at < 0) return undefined;
  return { buildArguments: command.slice(head.length, at), script: command.slice(at + shell.length + 2) };
}

/** The builder joins continued lines: where it left a run of spaces before && or ||, the line was continued. */
function breakLines(text: string): string {
  return text.replace(/[ \t]{2,}(?=(?:&&|\|\|)\s)/g, ' \\\n    ');
}

export function comment(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n');
}
