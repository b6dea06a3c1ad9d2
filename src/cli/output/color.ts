// Colours of the output: whether there are any, and which. The colours are those of git and ls.
//
// A style without colour is the empty string, so commands style their text the same way with and without colours.
import { Option } from 'commander';
import { type FileFacts, parseLsColors } from './ls-colors.ts';
import { isOutputTerminal } from './terminal.ts';

export const colorChoices = ['auto', 'always', 'never'] as const;
export type ColorChoice = (typeof colorChoices)[number];

/** Parameters of SGR (ECMA-48, 8.3.117), such as "1;32"; '' for no style. */
export type Style = string;

/** Styles by meaning; all of them are '' if the output has no colours. */
export interface Palette {
  readonly hasColors: boolean;
  /** git's color.diff.new, old, meta and frag. */
  readonly added: Style;
  readonly deleted: Style;
  readonly header: Style;
  readonly hunk: Style;
  readonly changed: Style;
  readonly moved: Style;
  /** An image's ID, like the ID of a commit in `git log`. */
  readonly id: Style;
  /** Less important text. */
  readonly faint: Style;
  /** The style of a file's name, as in ls: from LS_COLORS, or by ls's defaults. */
  fileStyle(file: FileFacts): Style;
}

const colored = {
  hasColors: true,
  added: '32',
  deleted: '31',
  header: '1',
  hunk: '36',
  changed: '33',
  moved: '36',
  id: '33',
  faint: '2',
};

export const colorless: Palette = {
  hasColors: false,
  added: '',
  deleted: '',
  header: '',
  hunk: '',
  changed: '',
  moved: '',
  id: '',
  faint: '',
  fileStyle: () => '',
};

export function colorOption(): Option {
  return new Option('--color <when>', 'use colours').choices(colorChoices).default('auto');
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * "auto" means a terminal that is not "dumb", unless NO_COLOR is set and not empty (no-color.org). As in git, the option
 * overrides the environment.
 */
export function usesColors(when: ColorChoice, environment: Environment, isTerminal: boolean): boolean {
  if (when !== 'auto') return when === 'always';
  const { NO_COLOR: refused = '', TERM: terminal = '' } = environment;
  return isTerminal && refused === '' && terminal !== '' && terminal !== 'dumb';
}

/** `lsColors`: the value of LS_COLORS. */
export function createPalette(lsColors: string | undefined): Palette {
  const { fileStyle } = parseLsColors(lsColors);
  return { ...colored, fileStyle };
}

/** The palette for standard output. */
export function outputPalette(when: ColorChoice): Palette {
  if (!usesColors(when, process.env, isOutputTerminal())) return colorless;
  return createPalette(process.env['LS_COLORS']);
}

/** `text`, which must be escaped already (vfs/show-text.ts). The style ends with it. */
export function paint(style: Style, text: string): string {
  return style === '' || text === '' ? text : `\x1b[${style}m${text}\x1b[m`;
}
