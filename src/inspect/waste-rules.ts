// Checks an image's waste against rules, which have the names of dive's, and reads them from the file .dive-ci.
//
//   rules:
//     lowestEfficiency: 0.95             a fraction; fails below it
//     highestWastedBytes: 20MB           fails above it
//     highestUserWastedPercent: 0.20     a fraction; fails above it
//
// "disabled" turns a rule off. dive reads YAML; of it, this file only needs "key: value" and comments.
import { InputError } from '../vfs/input-error.ts';
import type { Waste } from './waste.ts';

export const ruleNames = ['lowestEfficiency', 'highestWastedBytes', 'highestUserWastedPercent'] as const;
export type RuleName = (typeof ruleNames)[number];

/** undefined: disabled. */
export type WasteRules = Readonly<Record<RuleName, number | undefined>>;

/** dive's defaults. */
export const defaultRules: WasteRules = {
  lowestEfficiency: 0.9,
  highestWastedBytes: undefined,
  highestUserWastedPercent: 0.1,
};

export interface RuleResult {
  readonly rule: RuleName;
  readonly result: 'pass' | 'fail' | 'skip';
  readonly threshold: number | undefined;
  readonly value: number;
}

/** In the order of `ruleNames`. */
export function checkRules(rules: WasteRules, waste: Waste): RuleResult[] {
  const values: Record<RuleName, number> = {
    lowestEfficiency: waste.efficiency,
    highestWastedBytes: waste.wastedBytes,
    highestUserWastedPercent: waste.userWastedPercent,
  };
  return ruleNames.map((rule) => {
    const threshold = rules[rule];
    const value = values[rule];
    if (threshold === undefined) return { rule, result: 'skip', threshold, value };
    const isBroken = rule === 'lowestEfficiency' ? value < threshold : value > threshold;
    return { rule, result: isBroken ? 'fail' : 'pass', threshold, value };
  });
}

/** Parses a .dive-ci file. `where` names it in messages. Throws InputError for a malformed line or an unknown rule. */
export function parseRules(text: string, where: string): Partial<WasteRules> {
  const rules: Partial<Record<RuleName, number | undefined>> = {};
  let isInRules = false;
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const plain = line.replace(/(^|\s)#.*$/, '').trimEnd();
    if (plain.trim() === '' || plain === '---') continue;
    const [, indent = '', key = '', value = ''] = /^(\s*)["']?([\w-]+)["']?\s*:\s*(.*)$/.exec(plain) ?? [];
    const place = `${where}: line ${i + 1}`;
    if (key === '') throw new InputError(`${place}: found '${plain.trim()}', expected "key: value"`);
    if (indent === '') {
      isInRules = key === 'rules';
      if (isInRules && value !== '')
        throw new InputError(`${place}: found '${value}', expected one rule a line`);
      continue;
    }
    if (!isInRules) continue;
    const name = ruleNamed(key);
    if (name === undefined) {
      throw new InputError(`${place}: found the rule ${key}, expected one of ${ruleNames.join(', ')}`);
    }
    rules[name] = parseThreshold(name, value.replace(/^(["'])(.*)\1$/, '$2'), place);
  }
  return rules;
}

/** Newer releases of dive write lowest-efficiency, and ignore case. */
function ruleNamed(key: string): RuleName | undefined {
  const plain = key.replaceAll('-', '').toLowerCase();
  return ruleNames.find((name) => name.toLowerCase() === plain);
}

const units = new Map([
  ['', 1],
  ...['k', 'm', 'g', 't'].flatMap((letter, i): [string, number][] => [
    [letter, 1000 ** (i + 1)],
    [`${letter}i`, 1024 ** (i + 1)],
  ]),
]);

/** The value of a rule; undefined for "disabled". Throws InputError for anything else. */
export function parseThreshold(rule: RuleName, text: string, where: string): number | undefined {
  if (text === 'disabled') return undefined;
  if (rule === 'highestWastedBytes') {
    const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?$/i.exec(text) ?? [];
    const factor = units.get(unit.toLowerCase());
    if (number === undefined || factor === undefined) {
      throw new InputError(`${where}: ${rule}: found '${text}', expected a size such as 20MB, or disabled`);
    }
    return Math.round(Number(number) * factor);
  }
  const ratio = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new InputError(
      `${where}: ${rule}: found '${text}', expected a part of 1 such as 0.95, or disabled`,
    );
  }
  return ratio;
}
