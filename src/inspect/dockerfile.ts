// Writes the steps of a history as Dockerfile instructions.
//
// `created_by` is written by three builders: docker's old one ("/bin/sh -c #(nop) CMD [...]", and the bare command for
// RUN), buildah in the same form, and BuildKit ("RUN /bin/sh -c ... # buildkit", "COPY a b # buildkit"). Text in any
// other form is kept unchanged, as a comment.
import type { HistoryStep } from '../image/image.ts';

const DEFAULT_SHELL = ['/bin/sh', '-c'];
const INSTRUCTION =
  /^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)\s/;

/** Converts steps to instructions. Pass every step, base first: a SHELL changes how later RUNs are written. */
export class DockerfileWriter {
  #shell: readonly string[] = DEFAULT_SHELL;

  /** The instruction of the next step; a comment if no known builder wrote `created_by`; '' if it is empty. */
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
    // RUN in exec form; no builder writes anything else.
    return command === plain ? comment(text) : plain;
  }

  /** docker's old builder names a copied file by its hash: "COPY file:<sha256> in /app/ ". */
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
 * Parses "/bin/sh -c SCRIPT", or "|2 A=1 B=2 /bin/sh -c SCRIPT" with the build arguments of a RUN. Their values may
 * hold spaces, which are not quoted. undefined if the text doesn't run `shell`.
 */
function splitRun(command: string, shell: string): { buildArguments: string; script: string } | undefined {
  if (command.startsWith(`${shell} `)) return { buildArguments: '', script: command.slice(shell.length + 1) };
  const [head] = /^\|\d{1,3} /.exec(command) ?? [];
  if (head === undefined) return undefined;
  const at = command.indexOf(` ${shell} `, head.length - 1);
  if (at < 0) return undefined;
  return { buildArguments: command.slice(head.length, at), script: command.slice(at + shell.length + 2) };
}

/** The builder joins continued lines: several spaces before && or || show where a line was continued. */
function breakLines(text: string): string {
  return text.replace(/[ \t]{2,}(?=(?:&&|\|\|)\s)/g, ' \\\n    ');
}

export function comment(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n');
}
