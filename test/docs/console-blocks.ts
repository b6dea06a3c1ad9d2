// The `console` blocks of a document: commands after `$ `, continuation lines after `> `, and under each what it prints, stdout
// and stderr together. What begins with sudo needs root.

export interface ConsoleCommand {
  /** Lines joined by newlines, without their prompts and without sudo. */
  readonly command: string;
  readonly needsRoot: boolean;
  /** As it stands in the document; empty, or ending in a newline. */
  readonly output: string;
  /** Position of `output`, in characters from the document's beginning. */
  readonly start: number;
  readonly end: number;
}

/** All commands, in order. Throws where a block doesn't begin with a prompt. */
export function findCommands(document: string): ConsoleCommand[] {
  const commands: ConsoleCommand[] = [];
  for (const block of document.matchAll(/^```console\n(.*?)^```$/gms)) {
    const text = block[1] as string;
    let position = block.index + '```console\n'.length;
    let current: ConsoleCommand | undefined;
    for (const line of text.split(/(?<=\n)/)) {
      const prompt = /^\$ (sudo )?(.*)\n$/.exec(line);
      const more = /^> (.*)\n$/.exec(line);
      const next = position + line.length;
      if (prompt !== null) {
        if (current !== undefined) commands.push(current);
        const [, sudo, command = ''] = prompt;
        current = { command, needsRoot: sudo !== undefined, output: '', start: next, end: next };
      } else if (current === undefined) {
        throw new Error(`a console block begins with ${JSON.stringify(line)}, expected a prompt`);
      } else if (more !== null && current.output === '') {
        current = { ...current, command: `${current.command}\n${more[1] as string}`, start: next, end: next };
      } else {
        current = { ...current, output: current.output + line, end: next };
      }
      position = next;
    }
    if (current !== undefined) commands.push(current);
  }
  return commands;
}
