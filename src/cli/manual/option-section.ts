// The mount options as a section of a manual page, from the rules that apply them.
import { mountOptions } from '../options/mount-options.ts';
import { type Rule, type Rules, acceptedChoices, isIdle } from '../options/option-rule.ts';
import { type RoffPage, bold, italic, prose } from './roff.ts';

/** "index=on|off": the option with all its accepted values. */
function spell(name: string, rule: Rule): string {
  return rule.kind === 'choice' ? `${name}=${acceptedChoices(rule.choices).join('|')}` : name;
}

/** "upperdir=DIR", with its fonts; undefined for an option without its own entry. */
function termOf(name: string, rule: Rule): { term: string; about: string } | undefined {
  if (isIdle(rule)) return undefined;
  switch (rule.kind) {
    case 'switch':
      return { term: bold(name), about: rule.about };
    case 'value':
      return { term: `${bold(`${name}=`)}${italic(rule.placeholder)}`, about: rule.about };
    case 'choice':
      return { term: bold(spell(name, rule)), about: rule.about };
    default:
      return undefined;
  }
}

/** Rejected options and rejected values of options, with the reason. */
function refusals(rules: Rules): (readonly [option: string, reason: string])[] {
  return rules.flatMap(([name, rule]) => {
    if (rule.kind === 'refused') return [[name, rule.reason] as const];
    if (rule.kind !== 'choice') return [];
    return [...rule.choices].flatMap(([value, reason]) =>
      typeof reason === 'string' ? [[`${name}=${value}`, reason] as const] : [],
    );
  });
}

export function describeMountOptions(page: RoffPage): void {
  page.section('MOUNT OPTIONS');
  page.paragraph(
    'If options contradict each other, the last one counts. An unknown option is an error, which suggests the nearest name.',
  );
  for (const { title, rules } of mountOptions) {
    const entries = rules.flatMap(([name, rule]) => termOf(name, rule) ?? []);
    if (entries.length === 0) continue;
    page.subsection(title);
    for (const { term, about } of entries) page.item(term, about);
  }
  const all = mountOptions.flatMap(({ rules }) => rules);
  const idle = all.filter(([, rule]) => isIdle(rule)).map(([name, rule]) => spell(name, rule));
  page.subsection('Of no effect');
  page.roff(
    `${prose('Accepted, since other programs or file systems know them or since it is so in any case, and of no effect here:')} ${[...idle, 'x-*', 'X-*'].map(bold).join(', ')}.`,
  );
  page.subsection('Refused');
  for (const [option, reason] of refusals(all)) page.item(bold(option), reason);
}
