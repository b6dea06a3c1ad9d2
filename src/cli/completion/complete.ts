// Completes a command line of stratafs, from the same descriptions that parse it.
//
// The name of a placeholder selects the candidates: <source>, <dir>, <layer>. A new command needs no code here.
import type { Command, Option } from 'commander';
import { commands } from '../command-list.ts';
import { type CommandWords, understandWords } from './command-words.ts';
import { type ChosenImage, completeImagePath } from './image-paths.ts';
import { splitImagePath } from '../options/image-path.ts';
import { type Completion, choices, directories, files, join, none } from './completion.ts';
import { completeOptionList, completeStack } from './option-list.ts';
import {
  completeLayer,
  completeMountPoint,
  completeOperand,
  completePlatform,
  completeSource,
  completeTarget,
} from './sources.ts';

/** `words`: those after "stratafs"; the user is typing the last one. */
export async function complete(words: readonly string[]): Promise<Completion> {
  const [name = '', ...rest] = words;
  if (rest.length === 0) {
    const more = [{ value: 'help', about: 'describe a command' }];
    return join({ candidates: [...commandNames(), ...more] }, choices('', ['--help', '--version']));
  }
  if (name === 'help') return rest.length === 1 ? { candidates: commandNames() } : none;
  const entry = commands.get(name === 'umount' ? 'unmount' : name);
  if (entry === undefined) return none;
  const command = (await entry.load())().syntax;
  const understood = understandWords(command, rest);
  const word = rest.at(-1) ?? '';
  const { role } = understood;
  switch (role.kind) {
    case 'option':
      return { candidates: optionNames(command) };
    case 'value':
      return completeValue(command, role.option, word.slice(role.prefix.length), role.prefix, understood);
    case 'argument':
      return completeArgument(command, role.index, word, understood);
  }
}

function commandNames(): { value: string; about: string }[] {
  return [...commands].map(([value, { summary }]) => ({ value, about: summary }));
}

function optionNames(command: Command): { value: string; about: string }[] {
  const own = command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ short, long, description }) =>
      [long, short].flatMap((value) => (value === undefined ? [] : [{ value, about: description }])),
    );
  return [...own, { value: '--help', about: 'describe the command' }];
}

/** The placeholder in an option's flags: the text between < and >, or [ and ]. */
const placeholderOf = ({ flags }: Option): string => /[<[]([^>\]]*)[>\]]/.exec(flags)?.[1] ?? '';

async function completeValue(
  command: Command,
  option: Option,
  value: string,
  prefix: string,
  words: CommandWords,
): Promise<Completion> {
  if (option.argChoices !== undefined) return choices(prefix, option.argChoices);
  const source = sourceOf(command, words);
  switch (placeholderOf(option)) {
    case 'dir':
      return directories(prefix);
    case 'file':
      return files(prefix);
    case 'list':
      return completeOptionList(value, prefix, source);
    case 'top:...:base':
      return completeStack(value, prefix);
    case 'layer':
      return completeLayer(source, prefix);
    case 'os/arch':
      return completePlatform(source, prefix);
    case 'format':
      return choices(prefix, ['table', 'json']);
    case 'bool':
      return choices(prefix, ['true', 'false']);
    case 'target':
      return withPrefix(completeTarget(value), prefix);
    default:
      return none;
  }
}

function withPrefix({ candidates, paths }: Completion, prefix: string): Completion {
  return {
    candidates: candidates.map(({ value, ...rest }) => ({ ...rest, value: prefix + value })),
    ...(paths === undefined ? {} : { paths: { ...paths, prefix: prefix + paths.prefix } }),
  };
}

/** mount parses its arguments itself, because their meaning depends on lowerdir=. */
const MOUNT_ARGUMENTS = ['image', 'directory'];

function argumentNames(command: Command, { values }: CommandWords): readonly string[] {
  if (command.name() !== 'mount') return command.registeredArguments.map((argument) => argument.name());
  const hasStack = (values.get('options') ?? []).some((list) => /(?:^|,)lowerdir=/.test(list));
  return hasStack ? MOUNT_ARGUMENTS.slice(1) : MOUNT_ARGUMENTS;
}

function completeArgument(
  command: Command,
  index: number,
  word: string,
  words: CommandWords,
): Completion | Promise<Completion> {
  const names = argumentNames(command, words);
  const isLastVariadic = command.registeredArguments.at(-1)?.variadic === true && command.name() !== 'mount';
  switch (names[index] ?? (isLastVariadic ? names.at(-1) : undefined)) {
    case 'image':
      return completeSource(word, false);
    case 'source':
      return completeSource(word, true);
    case 'a':
    case 'b':
      return completeOperand(word);
    case 'directory':
      return directories();
    case 'dir':
    case 'mountpoint':
      return completeMountPoint(word);
    case 'path':
      return completeImagePath(sourceOf(command, words), word, '', layerOptionsOf(words));
    case 'source:path':
      return completeCopyOperand(word, index > 0, layerOptionsOf(words));
    case 'shell':
      return choices('', command.registeredArguments[index]?.argChoices ?? []);
    default:
      return none;
  }
}

/** The layers and the platform that earlier words choose. */
function layerOptionsOf({ values }: CommandWords): ChosenImage {
  const last = (name: string): string | undefined => values.get(name)?.at(-1);
  const layer = last('layer');
  return { layer: layer === 'upper' ? undefined : layer, upto: last('upto'), platform: last('platform') };
}

/** SOURCE:PATH of cp, or its destination, which is not the first word. */
async function completeCopyOperand(
  word: string,
  mayBeDestination: boolean,
  chosen: ChosenImage,
): Promise<Completion> {
  const split = splitImagePath(word);
  const inImage =
    split === undefined
      ? none
      : await completeImagePath(split.source, split.path, `${split.source}:`, chosen);
  if (inImage.candidates.length > 0) return inImage;
  const source = await completeSource(word, true);
  const slash = word.endsWith(':') ? [{ value: `${word}/`, about: 'files of the image' }] : [];
  return join({ candidates: slash }, mayBeDestination ? join(source, files()) : source);
}

/** The SOURCE in an earlier word. */
function sourceOf(command: Command, words: CommandWords): string | undefined {
  const index = argumentNames(command, words).findIndex((name) => name === 'source' || name === 'image');
  return index < 0 ? undefined : words.positional[index];
}
