// Completes `-o LIST`: names of mount options, and their values after `=`.
import { mountOptions } from '../options/mount-options.ts';
import { RESTART_VALUES } from '../options/restart-option.ts';
import { type Rule, acceptedChoices, isIdle } from '../options/option-rule.ts';
import { type Candidate, type Completion, choices, directories, files, none } from './completion.ts';
import { completeLayer, completePlatform } from './sources.ts';

/** The start of the part of `text` that the user is typing: after the last unescaped separator. */
function startOfPart(text: string, separator: string): number {
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === separator) start = i + 1;
  }
  return start;
}

/** `prefix`: the text before the list in the same word. */
export async function completeOptionList(
  list: string,
  prefix: string,
  source: string | undefined,
): Promise<Completion> {
  const start = startOfPart(list, ',');
  const before = prefix + list.slice(0, start);
  const part = list.slice(start);
  const equals = part.indexOf('=');
  const rules = mountOptions.flatMap((group) => group.rules);
  if (equals < 0) {
    const earlierNames = new Set(
      list
        .slice(0, start)
        .split(',')
        .map((each) => each.replace(/=.*/s, '')),
    );
    return {
      candidates: rules
        .filter(([name]) => !earlierNames.has(name))
        .flatMap(([name, rule]) => candidateOf(before, name, rule)),
    };
  }
  const rule = rules.find(([name]) => name === part.slice(0, equals))?.[1];
  const value = part.slice(equals + 1);
  return rule === undefined
    ? none
    : completeOptionValue(rule, value, before + part.slice(0, equals + 1), source);
}

/** Options without effect are only accepted for fstab, so they are not offered. */
function candidateOf(before: string, name: string, rule: Rule): Candidate[] {
  if (isIdle(rule)) return [];
  switch (rule.kind) {
    case 'switch':
      return [{ value: before + name, about: rule.about }];
    case 'value':
    case 'choice':
      return [{ value: `${before}${name}=`, about: rule.about }];
    default:
      return [];
  }
}

function completeOptionValue(
  rule: Rule,
  value: string,
  prefix: string,
  source: string | undefined,
): Completion | Promise<Completion> {
  if (rule.kind === 'choice') return choices(prefix, acceptedChoices(rule.choices));
  if (rule.kind !== 'value') return none;
  switch (rule.placeholder) {
    case 'DIR':
      return directories(prefix);
    case 'TOP:...:BASE':
      return completeStack(value, prefix);
    case RESTART_VALUES:
      return choices(prefix, ['on', 'off']);
    case 'LAYER':
      return completeLayer(source, prefix);
    case 'OS/ARCH':
      return completePlatform(source, prefix);
    default:
      return none;
  }
}

/** Completes TOP:...:BASE with the next layer, a tar or a directory. */
export function completeStack(value: string, prefix: string): Completion {
  return files(prefix + value.slice(0, startOfPart(value, ':')));
}
