import { describe, expect, it } from 'vitest';
import { RoffPage, literal, prose, syntax } from '../../../src/cli/manual/roff.ts';

const heading = { name: 'x-y', section: 1, summary: 'do it', date: '2026-01-02', version: '1.2.3' };

describe('roff', () => {
  it('prints every character of a literal unchanged', () => {
    expect(literal('a-b \'c\' `d` ~/e ^f \\g "h"')).toBe(
      'a\\-b \\(aqc\\(aq \\(gad\\(ga \\(ti/e \\(haf \\eg \\(dqh\\(dq',
    );
  });

  it('prints options and references in prose in bold', () => {
    expect(prose('--tmp, see fstab(5) too')).toBe('\\fB\\-\\-tmp\\fR, see \\fBfstab\\fR(5) too');
    expect(prose('x-y is not an option')).toBe('x\\-y is not an option');
  });

  it('sets placeholders in italics', () => {
    expect(syntax('oci:<dir>')).toBe('\\fBoci\\fR:\\fIDIR\\fR');
    expect(prose('write to <dir>, not <missing>')).toBe('write to \\fIDIR\\fR, not <missing>');
    expect(syntax('-o, --output FILE')).toBe('\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIFILE\\fR');
    expect(syntax('stratafs cat SOURCE PATH...')).toBe(
      '\\fBstratafs\\fR \\fBcat\\fR \\fISOURCE\\fR \\fIPATH\\fR...',
    );
  });

  it('begins no line of text with a request, and fills lines to 76 characters', () => {
    const page = new RoffPage(heading);
    page.section('DESCRIPTION');
    page.paragraph('.dive-ci '.repeat(40).trim());
    page.paragraph("'quoted'");
    const lines = page.toString().split('\n');
    expect(lines.filter((line) => /^[.'](?!\\"|TH |SH |PP$|nh$)/.test(line))).toEqual([]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
    expect(lines).toContain("\\&'quoted'");
  });

  it('puts a remark above its example, and breaks one that is too wide before an option', () => {
    const page = new RoffPage(heading);
    page.example(['ls    what is there', `${'command '.repeat(8)}--one 1 --two 2`]);
    expect(page.toString()).toContain(
      `.EX\n  # what is there\n  ls\n  ${'command '.repeat(8)}\\e\n      \\-\\-one 1 \\-\\-two 2\n.EE`,
    );
  });
});
