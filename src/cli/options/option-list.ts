// Parses `-o LIST` in mount(8)'s format: options are separated by commas; a backslash or double quotes escape a comma.

export interface ListedOption {
  readonly name: string;
  /** The text after the first '='; undefined without one. Backslash escapes are kept: `unescapeOption` removes them. */
  readonly value: string | undefined;
}

/** Splits one list. Empty parts ("ro,,nodev") are ignored, as in mount(8). */
export function splitOptionList(list: string): ListedOption[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (let i = 0; i < list.length; i++) {
    const character = list.charAt(i);
    if (character === '\\') part += character + list.charAt(++i);
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === ',' && !isQuoted) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  parts.push(part);
  return parts
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const equals = text.indexOf('=');
      return equals < 0
        ? { name: text.trim(), value: undefined }
        : { name: text.slice(0, equals).trim(), value: text.slice(equals + 1) };
    });
}

/** Removes the backslash escapes of a value. */
export function unescapeOption(value: string): string {
  return value.replace(/\\(.)/gs, '$1');
}
