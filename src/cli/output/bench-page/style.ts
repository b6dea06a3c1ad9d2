// The style of a bench page, light and dark. The colours of the series can be distinguished by most people, including those
// with red-green blindness.

const series = [
  ['#0072b2', '#56b4e9'],
  ['#8a5a00', '#c9a227'],
  ['#d55e00', '#ff8c42'],
  ['#a8447f', '#e59ac8'],
  ['#555555', '#bbbbbb'],
  ['#007a5e', '#3ccf9f'],
  ['#6a3d9a', '#b79ae0'],
  ['#9c1c1c', '#f08080'],
  ['#2f6f2f', '#9bd08a'],
  ['#00708a', '#7fd6e6'],
] as const;

const colours = (at: 0 | 1): string => series.map((pair, look) => `.s${look}{--series:${pair[at]}}`).join('');

/** The number of different styles; further contenders reuse them from the first. */
export const LOOKS = series.length;

export const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--quiet:#5b6470;--paper:#fff;--rule:#d9dee4}
${colours(0)}
@media (prefers-color-scheme:dark){
:root{--ink:#e8ebef;--quiet:#a3adb8;--paper:#14181d;--rule:#323a43}
${colours(1)}
}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.15rem;margin:2.5rem 0 .2rem}
p,ul,figcaption,dt{color:var(--quiet)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}
dd{margin:0;overflow-wrap:anywhere}
dl.summary{display:block}
.summary dt{color:var(--ink);margin-top:.4rem}
.summary dd{margin-left:1.2rem}
nav ul,.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;list-style:none;padding:0}
a{color:inherit}
.charts{display:flex;flex-wrap:wrap;gap:1rem}
figure{flex:1 1 26rem;margin:0;max-width:36rem}
figcaption{font-size:.85rem}
svg text{font-size:11px;fill:var(--quiet)}
line,polyline{stroke:var(--series,var(--rule));stroke-width:1.5;fill:none}
.axis{stroke:var(--quiet);stroke-width:1}
.grid{stroke:var(--rule);stroke-width:.5}
.whisker{opacity:.45}
.marker{fill:var(--series)}
.key{vertical-align:middle;margin-right:.4rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem;margin:.5rem 0}
th,td{padding:.15rem .7rem;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--quiet);font-weight:600}
.name{text-align:left}
`;
