// What the page of `stratafs report` shows of images.
export {
  type ReportData,
  type ReportedImage,
  inspectShown,
  joinReport,
  reportImage,
} from '../inspect/inspect.ts';
