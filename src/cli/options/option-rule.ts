// The meaning of one mount option: a rule changes the draft, does nothing, or rejects the option with a reason.
//
// A rule with an effect has a description, for the manual pages and for completion, which list all rules.
import type { MountDraft } from './mount-draft.ts';
import { UsageError } from './usage-error.ts';

type Apply = (draft: MountDraft) => void;

export type Rule =
  /** Accepted without a value; no effect. */
  | { readonly kind: 'idle' }
  /** Accepted with or without a value; no effect. */
  | { readonly kind: 'tuning' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'switch'; readonly about: string; readonly apply: Apply }
  | {
      readonly kind: 'value';
      /** The placeholder of the value: 'DIR'. */
      readonly placeholder: string;
      readonly about: string;
      readonly apply: (draft: MountDraft, value: string) => void;
    }
  /** One of a few values, each with its effect, or with the reason that it is rejected. */
  | {
      readonly kind: 'choice';
      readonly about: string;
      readonly choices: ReadonlyMap<string, Apply | string>;
    };

export type Rules = readonly (readonly [name: string, rule: Rule])[];

/** For a choice: this value changes nothing. */
export const nothing: Apply = () => undefined;

export const idle: Rule = { kind: 'idle' };
export const tuning: Rule = { kind: 'tuning' };
export const refused = (reason: string): Rule => ({ kind: 'refused', reason });
export const doing = (about: string, apply: Apply): Rule => ({ kind: 'switch', about, apply });
export const taking = (
  placeholder: string,
  about: string,
  apply: (draft: MountDraft, value: string) => void,
): Rule => ({ kind: 'value', placeholder, about, apply });
export const choosing = (about: string, choices: Readonly<Record<string, Apply | string>>): Rule => ({
  kind: 'choice',
  about,
  choices: new Map(Object.entries(choices)),
});
/** A choice without effects: of values that describe the fixed behaviour, and of rejected values. */
export const settled = (accepted: readonly string[], refusals: Readonly<Record<string, string>> = {}): Rule =>
  choosing('so in any case', {
    ...Object.fromEntries(accepted.map((value) => [value, nothing])),
    ...refusals,
  });

/** The accepted values of a choice. */
export function acceptedChoices(choices: ReadonlyMap<string, Apply | string>): string[] {
  return [...choices].filter(([, each]) => typeof each === 'function').map(([value]) => value);
}
/** True if the option is accepted, and changes nothing with any value. */
export function isIdle(rule: Rule): boolean {
  if (rule.kind !== 'choice') return rule.kind === 'idle' || rule.kind === 'tuning';
  return [...rule.choices.values()].every((choice) => typeof choice === 'string' || choice === nothing);
}

/** Applies the rule of option `name`. `value`: the text after '=', undefined without one. Throws UsageError if it is rejected. */
export function applyRule(draft: MountDraft, name: string, value: string | undefined, rule: Rule): void {
  switch (rule.kind) {
    case 'tuning':
      return;
    case 'idle':
      refuseValue(name, value);
      return;
    case 'refused':
      throw new UsageError(`mount option '${name}': ${rule.reason}`);
    case 'switch':
      refuseValue(name, value);
      rule.apply(draft);
      return;
    case 'value':
      if (value === undefined || value === '')
        throw new UsageError(`mount option '${name}' needs a value: ${name}=...`);
      rule.apply(draft, value);
      return;
    case 'choice':
      choose(draft, name, value, rule.choices);
  }
}

function refuseValue(name: string, value: string | undefined): void {
  if (value !== undefined) throw new UsageError(`mount option '${name}' takes no value, found '${value}'`);
}

function choose(
  draft: MountDraft,
  name: string,
  value: string | undefined,
  choices: ReadonlyMap<string, Apply | string>,
): void {
  const choice = choices.get(value ?? '');
  if (typeof choice === 'function') choice(draft);
  else if (choice !== undefined) throw new UsageError(`mount option '${name}=${value ?? ''}': ${choice}`);
  else {
    const accepted = acceptedChoices(choices);
    const found = value === undefined ? 'no value' : `'${value}'`;
    throw new UsageError(`mount option '${name}': found ${found}, expected ${accepted.join(', ')}`);
  }
}
