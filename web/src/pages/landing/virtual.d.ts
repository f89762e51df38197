declare module "virtual:sample-report" {
  const sample: import("./sample").SampleReport;
  export default sample;
}
