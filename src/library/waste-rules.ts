// The rules that `stratafs waste --ci` checks.
export {
  type RuleName,
  type RuleResult,
  type WasteRules,
  checkRules,
  defaultRules,
  parseRules,
  parseThreshold,
  ruleNames,
} from '../inspect/inspect.ts';
