// What the page of `stratafs report` shows of images.
export {
  type ReportComparison,
  type ReportData,
  type ReportedImage,
  compareForReport,
  inspectOperand,
  inspectShown,
  joinReport,
  reportImage,
} from '../inspect/inspect.ts';
