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
:root{color-scheme:light dark;--ink:#1b1f24;--quiet:#5b6470;--paper:#fff;--rule:#d9dee4;--faster:#dff3e4;--slower:#fbe6dc}
${colours(0)}
@media (prefers-color-scheme:dark){
:root{--ink:#e8ebef;--quiet:#a3adb8;--paper:#14181d;--rule:#323a43;--faster:#153b25;--slower:#4a2516}
${colours(1)}
}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.15rem;margin:2rem 0 .2rem}
p,ul,figcaption,dt,small{color:var(--quiet)}
p{margin:.2rem 0 .6rem}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.1rem 1rem}
dd{margin:0;overflow-wrap:anywhere}
.remarks{padding-left:1.2rem}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;list-style:none;padding:0;margin:.5rem 0}
.picture{display:flex;flex-wrap:wrap;gap:.5rem 2rem;align-items:center}
.picture figure{max-width:40rem}
.picture .legend{flex:1 1 10rem}
.charts{display:flex;flex-wrap:wrap;gap:1rem}
figure{flex:1 1 20rem;margin:0;max-width:34rem}
figcaption{font-size:.85rem}
svg{display:block;width:100%;height:auto}
svg.key{display:inline-block;width:24px}
svg text{font-size:10.5px;fill:var(--quiet)}
line,polyline{stroke:var(--series,var(--rule));stroke-width:1.5;fill:none}
.axis{stroke:var(--quiet);stroke-width:1}
.grid{stroke:var(--rule);stroke-width:.5}
.whisker{opacity:.45}
.marker{fill:var(--series)}
.key{vertical-align:middle;margin-right:.4rem}
details{border-top:1px solid var(--rule);padding:.4rem 0}
details[open]{padding-bottom:1.2rem}
summary{cursor:pointer;font-weight:600;padding:.2rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem;margin:.5rem 0}
th,td{padding:.15rem .6rem;text-align:right;border-bottom:1px solid var(--rule)}
thead th{color:var(--quiet);font-weight:600;vertical-align:bottom}
tbody th{text-align:left;font-weight:600}
.figures{width:100%}
.name,.summary th,.summary td{text-align:left}
.summary td,.summary th{padding:.3rem .6rem}
.summary b,.summary small{display:block;white-space:nowrap}
.faster{background:var(--faster)}
.slower{background:var(--slower)}
@media screen and (max-width:60rem){
.stacked,.stacked tbody,.stacked tr{display:block;width:auto}
.stacked thead,.stacked .none,.stacked td:empty{display:none}
.stacked tr{border:1px solid var(--rule);border-radius:6px;margin:.6rem 0;overflow:hidden}
.stacked th,.stacked td{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;text-align:right;padding:.25rem .6rem}
.stacked tr>:last-child{border-bottom:0}
.stacked td::before{content:attr(data-label);color:var(--quiet)}
.figures td:first-child{font-weight:600}
.summary td{display:grid;grid-template-columns:1fr auto}
.summary small{grid-column:1/-1}
}
@media print{
body{margin:0;max-width:none;font-size:10pt}
figure,tr{break-inside:avoid}
h2,summary,thead{break-after:avoid}
details::details-content{content-visibility:visible;display:block;block-size:auto}
table{font-size:7.5pt}
th,td,.summary th,.summary td{padding:.1rem .25rem}
.summary b,.summary small{white-space:normal}
.faster,.slower,.marker{print-color-adjust:exact}
}
`;
