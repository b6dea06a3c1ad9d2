// What the page of `stratafs report` shows of images.
export {
  type ReportComparison,
  type ReportData,
  type ReportedImage,
  type ReportedSide,
  compareForReport,
  inspectOperand,
  inspectShown,
  joinReport,
  mergeForComparison,
  reportImage,
} from '../inspect/inspect.ts';
